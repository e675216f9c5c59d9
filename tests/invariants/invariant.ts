import type { SubgraphName } from '@souk/schema/subgraphs';
import type { ProviderLog } from './provider-log.ts';
import type { Source } from './source.ts';

/** A sentence about the rows of the shop that has to be true, and how to find the rows that break it. */
export interface Invariant {
  /** A letter for the domain and a number that is never given to another. */
  id: string;
  says: string;
  /** S: never false. D: true within `withinSeconds` of its cause, by the clock of the database that holds it. Q: true when everything has settled. */
  kind: 'S' | 'D' | 'Q';
  withinSeconds?: number;
  /** @throws {CannotTell} when something is missing that it takes to know */
  breaking(shop: ShopRows): Promise<Breaking>;
}

/** The rows that break an invariant. */
export interface Breaking {
  count: number;
  /** Some of them, as many as a person would look at. */
  examples: Example[];
}

export type Example = Record<string, string | number | boolean | null>;

export const MAX_EXAMPLES = 20;

/** Nothing breaks it. */
export const none: Breaking = { count: 0, examples: [] };

export function breakingRows(rows: readonly Example[]): Breaking {
  return { count: rows.length, examples: rows.slice(0, MAX_EXAMPLES) };
}

/** What several searches have found, as one. */
export function together(...found: readonly Breaking[]): Breaking {
  return {
    count: found.reduce((count, each) => count + each.count, 0),
    examples: found.flatMap((each) => each.examples).slice(0, MAX_EXAMPLES),
  };
}

/** What a check may look at: five databases, each through one connection that can only read, and the world outside. */
export interface ShopRows extends Record<SubgraphName, Source> {
  /** The provider's own account of the money; null when nobody said where it is. */
  providerLog: ProviderLog | null;
  /** How many of a variant all buyers together wanted, by its id; null when nobody counted. */
  demand: ReadonlyMap<string, number> | null;
  /** Finds out something that several checks need, once in a run. */
  once<Found>(name: string, find: () => Promise<Found>): Promise<Found>;
}

/** The check cannot be made. The message says what is missing, and how it could be had. */
export class CannotTell extends Error {
  override readonly name = 'CannotTell';
}
