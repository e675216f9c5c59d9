import type { Contract } from '../contracts.ts';
import type { Registry, Stage, Variant } from './registry.ts';

/** What a gateway serves. */
export interface LatestSupergraph {
  number: number;
  hash: string;
  supergraph: string;
}

/**
 * The newest supergraph of a variant, for a gateway that follows the registry.
 *
 * @param knownHash what the gateway serves; while that is the newest, nothing is sent again
 * @returns null when there is nothing newer than `knownHash`, or nothing at all
 */
export async function latest(
  registry: Registry,
  variant: Variant,
  knownHash: string | null = null,
): Promise<LatestSupergraph | null> {
  const [contract, stage] = variant.split('@') as [Contract, Stage];
  const publication = await registry.latest(stage);
  const published = publication?.contracts[contract];
  if (!publication || !published || published.hash === knownHash) return null;
  return { number: publication.number, hash: published.hash, supergraph: published.supergraph };
}
