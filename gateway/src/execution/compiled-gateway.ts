import { setImmediate as turn } from 'node:timers/promises';
import type { ApolloGateway, GraphQLDataSource } from '@apollo/gateway';
import { withDefer } from '@souk/platform/defer';
import type { GraphQLSchema } from 'graphql';
import { createEngine, type Engine, type EngineOptions, type TakesParts } from './engine.ts';
import { createGraph } from './graph.ts';

export interface CompiledGatewayOptions
  extends Partial<
    Pick<EngineOptions, 'onExecution' | 'onPlan' | 'onLookup' | 'givesText' | 'areVariablesChecked' | 'maxOperations'>
  > {
  /** The composed supergraph, or what follows it as it changes. */
  supergraphSdl: string | SupergraphSource;
  /** What sends operations to a subgraph. */
  buildService: (subgraph: { name: string; url?: string }) => GraphQLDataSource;
  /** Given where clients may use `@defer`, which the API has then. */
  takesParts?: TakesParts;
  /** The documents that clients have registered: they are planned and compiled before a supergraph is put to use. */
  registered?: () => ReadonlySet<string>;
}

/** Where supergraphs come from: what Apollo Gateway calls a `SupergraphManager`, of which nothing else is needed. */
export interface SupergraphSource {
  /**
   * Gives the first supergraph. `update` puts one to use, already before that, and rejects with the reason when it cannot: the one before stays then. With a
   * gateway that swaps at once, it throws.
   */
  initialize(options: {
    update: (supergraphSdl: string) => void | Promise<void>;
  }): Promise<{ supergraphSdl: string; cleanup?: () => Promise<void> }>;
}

/** What Apollo Server needs of a gateway. */
export type Gateway = Pick<ApolloGateway, 'load' | 'onSchemaLoadOrUpdate' | 'stop'>;

/** A supergraph with what executes operations over it. */
interface Served {
  supergraphSdl: string;
  apiSchema: GraphQLSchema;
  engine: Engine;
}

/**
 * Apollo Gateway with operations executed in their compiled form. Like that, it is told of supergraphs as they change and plans with Apollo's planner.
 *
 * A new supergraph is put to use when it is known to be valid, each of its subgraphs has something to be reached by, and the registered operations are compiled
 * for it. All of that is done in pieces between which requests are answered, by the supergraph before. An operation under way ends with the supergraph whose
 * schema it was validated against.
 */
export function createCompiledGateway(options: CompiledGatewayOptions): Gateway {
  const { supergraphSdl, buildService, registered = () => none } = options;
  const listeners = new Set<Parameters<Gateway['onSchemaLoadOrUpdate']>[0]>();
  const services: Record<string, GraphQLDataSource> = {};
  const engines = new WeakMap<GraphQLSchema, Engine>();
  let served: Served | undefined;
  let swaps: Promise<unknown> = Promise.resolve();
  let cleanup: (() => Promise<void>) | undefined;

  async function prepare(sdl: string): Promise<Served> {
    const graph = await createGraph(sdl);
    for (const { name, url } of graph.subgraphs) {
      services[name] ??= buildService({ name, ...(url ? { url } : {}) });
    }
    const schema = graph.apiSchema.toGraphQLJSSchema();
    const apiSchema = options.takesParts ? withDefer(schema) : schema;
    await turn();
    const engine = createEngine({
      onExecution: () => {},
      onPlan: () => {},
      onLookup: () => {},
      takesParts: () => undefined,
      givesText: false,
      areVariablesChecked: false,
      ...options,
      graph,
      services: () => services,
      isRegistered: (text) => registered().has(text),
    });
    await engine.warm(registered());
    return { supergraphSdl: sdl, apiSchema, engine };
  }

  /** All at once, so that no request meets a part of each. Whoever cannot take the new one throws, and is asked before it counts as served. */
  function put(next: Served): void {
    engines.set(next.apiSchema, next.engine);
    for (const listener of listeners) listener({ apiSchema: next.apiSchema, coreSupergraphSdl: next.supergraphSdl });
    served = next;
  }

  /** One after the other. Who waits for it hears whether it failed. */
  function update(sdl: string): Promise<void> {
    const swapped = swaps.then(async () => {
      if (sdl !== served?.supergraphSdl) put(await prepare(sdl));
    });
    swaps = swapped.catch(() => {});
    return swapped;
  }

  return {
    onSchemaLoadOrUpdate(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      await cleanup?.();
    },
    async load() {
      const supergraph = typeof supergraphSdl === 'string' ? fixed(supergraphSdl) : supergraphSdl;
      const initialized = await supergraph.initialize({ update });
      cleanup = initialized.cleanup;
      await update(initialized.supergraphSdl);
      if (!served) throw new Error('Expected a loaded supergraph.');
      return {
        schema: served.apiSchema,
        executor(request) {
          const engine = engines.get(request.schema);
          if (!engine) return Promise.reject(new Error('Expected a schema that this gateway has served.'));
          return engine.execute(request);
        },
      };
    },
  };
}

const none: ReadonlySet<string> = new Set();

function fixed(supergraphSdl: string): SupergraphSource {
  return { initialize: async () => ({ supergraphSdl }) };
}
