import type { SupergraphSource } from '../execution/compiled-gateway.ts';

/** A supergraph that is followed as it changes. */
export interface FollowedSupergraph extends SupergraphSource {
  /** For those who run the gateway. */
  status(): SupergraphStatus;
}

export interface SupergraphStatus {
  /** What is followed: a variant of the registry, such as `storefront@production`; null for a file. */
  variant: string | null;
  /** Undefined until there is one. */
  served: ServedSupergraph | undefined;
  /** Set while the newest one is not what is served: why it was refused. */
  refusal: string | null;
  /** When the registry answered last; null for a file, or when it never has. */
  answeredAt: Date | null;
}

export interface ServedSupergraph {
  /** Where it was taken from: the registry, what was taken from there the last time, or a file that was put beside the gateway. */
  source: 'registry' | 'last-known' | 'file';
  /** Of the publication; null for a file's. */
  number: number | null;
  /** SHA-256 of the supergraph as it was composed. */
  hash: string;
  since: Date;
}
