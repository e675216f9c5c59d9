import type { Contract } from '../contracts.ts';
import type { Place } from './subgraph-sdl.ts';

/**
 * - *breaking*: a registered operation, or a request that was seen lately, would feel it;
 * - *exposing*: it shows somebody what was kept from them, so a person has to want it;
 * - *dangerous*: nobody known breaks, but somebody should look;
 * - *safe*: nothing to do.
 *
 * The first two fail a check unless they are approved.
 */
export type Verdict = 'breaking' | 'exposing' | 'dangerous' | 'safe';

export const verdicts = ['breaking', 'exposing', 'dangerous', 'safe'] as const satisfies Verdict[];

/** One difference between the graph before and after. */
export interface Change {
  /** What kind of change, such as `FIELD_REMOVED`. Together with the coordinate it names the change. */
  kind: string;
  /** The schema coordinate that changed, such as `Order.lines(first:)`. */
  coordinate: string;
  /** What changed, in one sentence. */
  message: string;
  verdict: Verdict;
  /** Why it has this verdict, in one sentence. */
  reason: string;
  /** What has to be done before it may ship, and by whom; null when there is nothing to do. */
  remedy: string | null;
  /** Contracts whose clients can see it; none for what only services see. */
  contracts: readonly Contract[];
  /** Subgraphs whose SDL makes the change. */
  subgraphs: readonly string[];
  place: Place | null;
  feltBy: readonly Felt[];
  /** Why it was let through although it would fail. */
  approval: string | null;
}

/** Who would feel a change. */
export interface Felt {
  contract: Contract;
  client: string;
  version: string;
  /** Name of the operation; null when it is known from recorded requests only. */
  operation: string | null;
  /** What it does with the coordinate, such as `selects it`. */
  how: string;
  /** Since when, ISO 8601; null when nobody knows. */
  since: string | null;
  /** When it was last seen in requests; null for what is registered. */
  lastSeenAt: string | null;
}

/** Names a change in a list of approvals. */
export function idOf({ kind, coordinate }: Pick<Change, 'kind' | 'coordinate'>): string {
  return `${kind} ${coordinate}`;
}

export function fails({ verdict, approval }: Change): boolean {
  return (verdict === 'breaking' || verdict === 'exposing') && approval === null;
}
