import { createHash } from 'node:crypto';

/** SHA-256 of a composed supergraph: the registry publishes it, and gateways check by it what they are given. */
export function supergraphHash(supergraph: string): string {
  return createHash('sha256').update(supergraph).digest('hex');
}
