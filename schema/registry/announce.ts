import { contracts } from '../contracts.ts';
import type { Publication, Variant } from './registry.ts';

/** Tells who waits for it that there is a new publication. It is a hint to look, so it may be lost: gateways look by themselves now and then. */
export type Announce = (publication: Publication) => Promise<void>;

export const tellNobody: Announce = async () => {};

/** The channel on which changes of a variant are announced. */
export function channelOf(variant: Variant): string {
  return `souk:schema:${variant}`;
}

/**
 * Announces on Redis, one message for each variant: `{"number": 12, "hash": "…"}`. A Redis that is away must not keep anybody from publishing.
 *
 * @param warn told when nobody could be reached
 */
export function announceOnRedis(url: string, warn: (sentence: string) => void): Announce {
  return async ({ stage, number, contracts: published }) => {
    const { openRedis } = await import('@souk/platform/redis');
    const redis = openRedis({ url, name: 'schema-registry' });
    try {
      await redis.ready(2_000);
      for (const contract of contracts) {
        const message = JSON.stringify({ number, hash: published[contract].hash });
        await redis.client.publish(channelOf(`${contract}@${stage}`), message);
      }
    } catch (error) {
      warn(
        `Published, but Redis did not take the announcement (${(error as Error).message}): gateways find out when they look.`,
      );
    } finally {
      await redis.close();
    }
  };
}
