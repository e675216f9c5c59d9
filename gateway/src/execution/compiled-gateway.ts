import { ApolloGateway, type GatewayConfig, type GraphQLDataSource, type SupergraphManager } from '@apollo/gateway';
import { createEngine, type Engine, type EngineOptions } from './engine.ts';

export interface CompiledGatewayOptions
  extends Partial<
    Pick<EngineOptions, 'onExecution' | 'onPlan' | 'onLookup' | 'givesText' | 'areVariablesChecked' | 'maxOperations'>
  > {
  /** The composed supergraph, or what follows it as it changes. */
  supergraphSdl: string | SupergraphManager;
  /** What sends operations to a subgraph. */
  buildService: (subgraph: { name: string; url?: string }) => GraphQLDataSource;
  /** The documents that clients have registered: they are planned and compiled before a supergraph is put to use. */
  registered?: () => ReadonlySet<string>;
  logger?: GatewayConfig['logger'];
}

/** What Apollo Server needs of a gateway. */
export type Gateway = Pick<ApolloGateway, 'load' | 'onSchemaLoadOrUpdate' | 'stop'>;

/**
 * Apollo Gateway, which composes, loads, swaps and plans, with operations executed in their compiled form.
 *
 * A new supergraph is put to use when the registered operations are compiled for it. Until then the one before serves, and an operation under way ends with the
 * supergraph it began with.
 */
export function createCompiledGateway(options: CompiledGatewayOptions): Gateway {
  const { supergraphSdl, buildService, registered = () => none, logger } = options;
  const services: Record<string, GraphQLDataSource> = {};
  let engine: Engine | undefined;
  let swaps: Promise<unknown> = Promise.resolve();

  async function prepare(sdl: string): Promise<Engine> {
    const prepared = createEngine({
      onExecution: () => {},
      onPlan: () => {},
      onLookup: () => {},
      givesText: false,
      areVariablesChecked: false,
      ...options,
      supergraphSdl: sdl,
      services: () => services,
      isRegistered: (text) => registered().has(text),
    });
    await prepared.warm(registered());
    return prepared;
  }

  const supergraph = typeof supergraphSdl === 'string' ? fixed(supergraphSdl) : supergraphSdl;
  const apollo = new ApolloGateway({
    supergraphSdl: {
      async initialize({ update, ...others }) {
        const swap = async (sdl: string) => {
          const next = await prepare(sdl);
          update(sdl);
          engine = next;
        };
        const initialized = await supergraph.initialize({
          ...others,
          // One after the other. Who waits for it hears whether it failed.
          update: (sdl) => {
            const swapped = swaps.then(() => swap(sdl));
            swaps = swapped.catch(() => {});
            return swapped;
          },
        });
        engine = await prepare(initialized.supergraphSdl);
        return initialized;
      },
    },
    buildService({ name, url }) {
      const service = buildService({ name, ...(url ? { url } : {}) });
      services[name] = service;
      return service;
    },
    ...(logger ? { logger } : {}),
  });

  return {
    onSchemaLoadOrUpdate: (listener) => apollo.onSchemaLoadOrUpdate(listener),
    stop: () => apollo.stop(),
    async load(config) {
      const { schema } = await apollo.load(config);
      return {
        schema,
        async executor(request) {
          if (!engine) throw new Error('Expected a loaded supergraph.');
          return engine.execute(request);
        },
      };
    },
  };
}

const none: ReadonlySet<string> = new Set();

function fixed(supergraphSdl: string): SupergraphManager {
  return { initialize: async () => ({ supergraphSdl }) };
}
