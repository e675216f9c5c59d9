import type { FieldUsage, RegisteredOperation } from '../check/evidence.ts';
import type { SubgraphSdl } from '../check/subgraph-sdl.ts';
import type { Contract } from '../contracts.ts';

/**
 * Words. A *publication* is one state of the graph that was put up for one stage; publications of a stage are numbered from 1, and never changed or
 * removed. A *variant* is what one gateway serves: one contract at one stage, such as `storefront@production`.
 */
export const stages = ['production', 'staging'] as const;
export type Stage = (typeof stages)[number];
export type Variant = `${Contract}@${Stage}`;

export function partsOf(variant: Variant): { contract: Contract; stage: Stage } {
  const [contract, stage] = variant.split('@') as [Contract, Stage];
  return { contract, stage };
}

export interface Publication extends PublicationHead {
  subgraphs: readonly SubgraphSdl[];
  contracts: Readonly<Record<Contract, PublishedContract>>;
}

/** What is told of a publication in a list. */
export interface PublicationHead {
  stage: Stage;
  number: number;
  kind: 'publish' | 'rollback' | 'promote';
  /** What a rollback or a promotion took its graph from, such as `staging 12`. */
  takenFrom: string | null;
  author: string;
  /** ISO 8601. */
  publishedAt: string;
  /** Why it was published although the check refused it, or rolled back. */
  reason: string | null;
  check: CheckSummary;
  /** SHA-256 over the SDL of its subgraphs: equal graphs have equal hashes. */
  hash: string;
}

export interface PublishedContract {
  supergraph: string;
  api: string;
  /** SHA-256 of the supergraph: while it stays the same, a gateway has nothing to do. */
  hash: string;
}

/** What a gateway serves: one contract of a publication. */
export interface PublishedSupergraph {
  /** Of the publication. */
  number: number;
  /** SHA-256 of the text. */
  hash: string;
  supergraph: string;
}

/** What the check said when it was published. */
export interface CheckSummary {
  passed: boolean;
  breaking: number;
  exposing: number;
  dangerous: number;
  safe: number;
  /** Names of the changes that are not safe: `FIELD_REMOVED Order.note`. */
  changes: readonly string[];
}

/** The operations of one version of a client. */
export interface ClientManifest {
  contract: Contract;
  client: string;
  version: string;
  /** ISO 8601. */
  registeredAt: string;
  operations: readonly { name: string; body: string }[];
}

/**
 * Where publications, clients' operations and what clients asked for are kept. Nothing is decided here: what may be published, the commands of
 * publishing.ts say.
 */
export interface Registry {
  /** The newest publication of a stage; null before the first. */
  latest(stage: Stage): Promise<Publication | null>;
  publication(stage: Stage, number: number): Promise<Publication | null>;
  /**
   * The newest supergraph of a variant, for a gateway that follows it. While that is the one with `knownHash`, nothing is read or sent again.
   *
   * @returns null when there is nothing newer than `knownHash`, or nothing at all
   */
  supergraph(variant: Variant, knownHash: string | null): Promise<PublishedSupergraph | null>;
  /** The newest publications of a stage, newest first. */
  history(stage: Stage, limit: number): Promise<PublicationHead[]>;
  /**
   * Adds a publication; its number has to be the next one.
   *
   * @throws {StalePublicationError} when another one has taken the number
   */
  append(publication: Publication): Promise<void>;

  /** Keeps the operations of a client version; the same version again replaces its operations and keeps its date. */
  registerManifest(manifest: ClientManifest): Promise<void>;
  /** Forgets a client version: nobody uses it any more. @returns whether it was known */
  retireManifest(key: Pick<ClientManifest, 'contract' | 'client' | 'version'>): Promise<boolean>;
  operations(): Promise<RegisteredOperation[]>;

  /** Adds what clients asked for, once however often the batch comes. Days before `firstDayKept` are forgotten. */
  recordUsage(batch: UsageBatch): Promise<void>;
  /** What clients asked for on that day (`YYYY-MM-DD`, UTC) and since. */
  usageSince(day: string): Promise<FieldUsage[]>;
  /** The days since then, that one included, on which some gateway recorded what was asked for, in order. What nobody asked for on another day, nobody knows. */
  daysRecorded(since: string): Promise<string[]>;

  close(): Promise<void>;
}

/** What one process of a gateway has counted since its last batch. It sends one after the other, in order. */
export interface UsageBatch {
  /** The process, by a UUID. */
  source: string;
  /** Greater than that of every batch of this source before. */
  sequence: number;
  /** When it was asked for: `YYYY-MM-DD`, UTC. */
  day: string;
  /** None to say that there was nothing to count. */
  usage: readonly UsageCount[];
}

export interface UsageCount {
  contract: Contract;
  client: string;
  version: string;
  /** Of the schema, such as `Order.note`, `Order.lines(first:)`, `Speed.FAST`; `OrderPlaceInput.*` where anything that a type allows may have been sent in a variable. */
  coordinate: string;
  requests: number;
}

/** Somebody else has published in the meantime: what was checked is not what would be replaced. */
export class StalePublicationError extends Error {
  override readonly name = 'StalePublicationError';

  constructor({ stage, number }: Pick<Publication, 'stage' | 'number'>) {
    super(
      `Publication ${number} of ${stage} is not the next one: somebody else has published. Check against it and publish again.`,
    );
  }
}

/** What is to be promoted or rolled back to was never published. */
export class NothingPublishedError extends Error {
  override readonly name = 'NothingPublishedError';
}
