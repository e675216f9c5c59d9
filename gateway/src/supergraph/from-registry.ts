import { readFile } from 'node:fs/promises';
import type { Logger } from '@souk/platform/logger';
import { startPolling } from '@souk/platform/polling';
import type { RedisConnection } from '@souk/platform/redis';
import { within } from '@souk/platform/within';
import { forApolloGateway } from '@souk/schema/for-apollo-gateway';
import { channelOf } from '@souk/schema/registry/announce';
import type { PublishedSupergraph, Registry, Variant } from '@souk/schema/registry/registry';
import { supergraphHash } from '@souk/schema/supergraph-hash';
import type { SupergraphSource } from '../execution/compiled-gateway.ts';
import type { FollowedSupergraph, ServedSupergraph } from './followed-supergraph.ts';
import { lastKnownIn } from './last-known.ts';
import { countSwap } from './metrics.ts';

export interface RegistrySupergraphOptions {
  /** Path of the endpoint, for metrics. */
  endpoint: string;
  variant: Variant;
  registry: Registry;
  /** Where publications are announced. */
  redis: RedisConnection;
  /** How often the registry is looked at when nothing is announced. */
  lookEveryMs: number;
  /** Where what was taken last is kept. */
  lastKnownFolder: string;
  /** What is served when there is neither a registry nor anything that was taken from it. */
  file: string;
  /** Has swaps of several endpoints wait for one another: each is work enough for a process that answers requests. */
  inTurn: (swap: () => Promise<void>) => Promise<void>;
  logger: Logger;
}

/** A registry that does not answer within this is away. */
const LOOK_TIMEOUT_MS = 5_000;
/** Gateways that were started together do not look together. */
const JITTER = 0.2;

type Candidate = Omit<PublishedSupergraph, 'number'> & Pick<ServedSupergraph, 'number' | 'source'>;
type Update = Parameters<SupergraphSource['initialize']>[0]['update'];

/**
 * The supergraph of a variant, swapped when the registry has a newer one: at once when Redis announces it, and every `lookEveryMs` in any case. One that cannot be
 * used is refused with its reason, and what was last good stays. While the registry is away, so does what is served; a start takes what was known last.
 */
export function fromRegistry(options: RegistrySupergraphOptions): FollowedSupergraph {
  const { endpoint, variant, registry, redis, lookEveryMs, file, inTurn, logger } = options;
  const lastKnown = lastKnownIn(options.lastKnownFolder, variant);
  let served: ServedSupergraph | undefined;
  let refusal: string | null = null;
  let answeredAt: Date | null = null;
  let isAway = false;
  /** The newest one that was looked at, served or refused: it is not sent again. */
  let seenHash: string | null = null;

  async function newest(): Promise<PublishedSupergraph | null> {
    const found = await within(LOOK_TIMEOUT_MS, () => registry.supergraph(variant, seenHash));
    answeredAt = new Date();
    if (isAway) logger.info({ variant }, 'the registry answers again');
    isAway = false;
    return found;
  }

  function away(error: unknown): void {
    if (!isAway) logger.warn({ variant, err: error }, 'the registry does not answer; the last good supergraph stays');
    isAway = true;
  }

  /** @returns whether it is served now */
  async function take({ source, number, hash, supergraph }: Candidate, update: Update): Promise<boolean> {
    try {
      if (supergraphHash(supergraph) !== hash)
        throw new Error('Expected the supergraph that its hash names, got another text.');
      const swap = async () => update(forApolloGateway(supergraph));
      if (hash !== served?.hash) await inTurn(() => countSwap(endpoint, swap));
    } catch (error) {
      refusal = error instanceof Error ? error.message : String(error);
      logger.error({ variant, source, number, hash, reason: refusal }, 'supergraph refused; the last good one stays');
      return false;
    }
    const since = hash === served?.hash ? served.since : new Date();
    served = { source, number, hash, since };
    logger.info({ variant, source, number, hash }, 'supergraph served');
    return true;
  }

  /** What the registry says is newest counts as seen, whatever becomes of it. */
  async function takeNewest(published: PublishedSupergraph, update: Update): Promise<boolean> {
    seenHash = published.hash;
    if (!(await take({ ...published, source: 'registry' }, update))) return false;
    refusal = null;
    await lastKnown
      .keep(published)
      .catch((error: unknown) => logger.warn({ variant, err: error }, 'the supergraph cannot be kept for a start'));
    return true;
  }

  /** The best there is at the start. @returns its text */
  async function first(update: Update): Promise<string> {
    try {
      const published = await newest();
      if (published && (await takeNewest(published, update))) return forApolloGateway(published.supergraph);
      if (!published) logger.warn({ variant }, 'nothing is published');
    } catch (error) {
      away(error);
    }
    const kept = await lastKnown.read().catch((error: unknown) => {
      logger.warn({ variant, err: error }, `no supergraph is known from before; starting with ${file}`);
      return undefined;
    });
    if (kept && (await take({ ...kept, source: 'last-known' }, update))) return forApolloGateway(kept.supergraph);
    const supergraph = await readFile(file, 'utf8');
    await update(supergraph);
    served = { source: 'file', number: null, hash: supergraphHash(supergraph), since: new Date() };
    logger.warn({ variant, file, hash: served.hash }, 'supergraph served from a file, until the registry has one');
    return supergraph;
  }

  return {
    status: () => ({ variant, served, refusal, answeredAt }),
    async initialize({ update }) {
      const supergraphSdl = await first(update);
      const polling = startPolling({
        async look() {
          const published = await newest();
          if (published) await takeNewest(published, update);
          return 0;
        },
        everyMs: lookEveryMs,
        jitter: JITTER,
        onError: away,
      });
      const stopListening = redis.subscribe(channelOf(variant), polling.wake, polling.wake);
      return {
        supergraphSdl,
        async cleanup() {
          stopListening();
          await polling.close();
        },
      };
    },
  };
}
