import type { Logger } from '@souk/platform/logger';
import type { RedisConnection } from '@souk/platform/redis';
import type { Contract } from '@souk/schema/contracts';
import type { Environment } from '../env.ts';
import type { FollowedSupergraph } from './followed-supergraph.ts';
import { fromFile } from './from-file.ts';
import { watchSupergraph } from './metrics.ts';

export interface Supergraphs {
  /** The supergraph of an endpoint, which is watched from now on. */
  follow(contract: Contract, at: { endpoint: string; file: string }): FollowedSupergraph;
  /** By endpoint, what is served and since when. */
  tell(): Record<string, object>;
  close(): Promise<void>;
}

/** Opens what supergraphs come from: the registry where one is named, files otherwise. */
export async function openSupergraphs(
  env: Pick<
    Environment,
    'SOUK_REGISTRY' | 'SOUK_REGISTRY_TOKEN' | 'SCHEMA_STAGE' | 'SCHEMA_LOOK_EVERY' | 'LAST_KNOWN_SCHEMA_FOLDER'
  >,
  { redis, logger }: { redis: RedisConnection; logger: Logger },
): Promise<Supergraphs> {
  const followed = new Map<string, FollowedSupergraph>();
  const source = env.SOUK_REGISTRY ? await openFromRegistry(env.SOUK_REGISTRY) : undefined;

  async function openFromRegistry(address: string) {
    const { openRegistry } = await import('@souk/schema/registry/open-registry');
    const { fromRegistry } = await import('./from-registry.ts');
    const registry = await openRegistry(address, env.SOUK_REGISTRY_TOKEN);
    const inTurn = oneAfterTheOther();
    return { fromRegistry, registry, inTurn };
  }

  return {
    follow(contract, { endpoint, file }) {
      const supergraph = source
        ? source.fromRegistry({
            endpoint,
            variant: `${contract}@${env.SCHEMA_STAGE}`,
            registry: source.registry,
            redis,
            lookEveryMs: env.SCHEMA_LOOK_EVERY,
            lastKnownFolder: env.LAST_KNOWN_SCHEMA_FOLDER,
            file,
            inTurn: source.inTurn,
            logger,
          })
        : fromFile({ endpoint, path: file, logger });
      followed.set(endpoint, supergraph);
      watchSupergraph(endpoint, supergraph.status);
      return supergraph;
    },
    tell() {
      const told = [...followed].map(([endpoint, { status }]) => {
        const { served, ...rest } = status();
        return [endpoint, { ...rest, ...served }] as const;
      });
      return Object.fromEntries(told);
    },
    close: async () => source?.registry.close(),
  };
}

function oneAfterTheOther(): (work: () => Promise<void>) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}
