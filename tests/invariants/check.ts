import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { events } from './events.ts';
import { CannotTell, type Example, type Invariant, type ShopRows } from './invariant.ts';
import { money } from './money.ts';
import { orders } from './orders.ts';
import { sessions } from './sessions.ts';
import type { Source } from './source.ts';
import { stock } from './stock.ts';

export const invariants: readonly Invariant[] = [...money, ...stock, ...orders, ...sessions, ...events];

export interface Finding {
  id: string;
  kind: Invariant['kind'];
  says: string;
  outcome: 'ok' | 'broken' | 'skipped' | 'failed';
  /** How many rows break it. */
  count: number;
  examples: Example[];
  /** Why it was skipped, or how it failed. */
  reason: string | null;
  /** Time the databases took for it. What several need is counted with the first. */
  ms: number;
}

/** What a check looks at, but for what a run makes for itself. */
export type Sources = Record<SubgraphName, Source> & Pick<ShopRows, 'providerLog' | 'demand'>;

/**
 * Checks all invariants. The databases work side by side; each answers one question at a time.
 *
 * @param isSettled whether everything under way has come to its end: without that, what is only true then is not checked
 */
export async function check(sources: Sources, { isSettled }: { isSettled: boolean }): Promise<Finding[]> {
  const found = new Map<string, Promise<unknown>>();
  const once: ShopRows['once'] = <Found>(name: string, find: () => Promise<Found>) => {
    const known = found.get(name) ?? find();
    found.set(name, known);
    return known as Promise<Found>;
  };
  return Promise.all(invariants.map((invariant) => examine(invariant, { ...sources, once }, isSettled)));
}

async function examine(invariant: Invariant, shop: ShopRows, isSettled: boolean): Promise<Finding> {
  const { id, kind, says } = invariant;
  const finding = { id, kind, says, count: 0, examples: [], reason: null };
  if (kind === 'Q' && !isSettled) {
    return { ...finding, outcome: 'skipped', reason: 'holds when all is settled: check it with --settled', ms: 0 };
  }
  const timer = { ms: 0 };
  try {
    const { count, examples } = await invariant.breaking(timed(shop, timer));
    return { ...finding, outcome: count > 0 ? 'broken' : 'ok', count, examples, ms: timer.ms };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ...finding, outcome: error instanceof CannotTell ? 'skipped' : 'failed', reason, ms: timer.ms };
  }
}

/** The same shop, with a clock that runs while its databases answer. */
function timed(shop: ShopRows, timer: { ms: number }): ShopRows {
  const hear = (ms: number) => {
    timer.ms += ms;
  };
  const sources = subgraphNames.map((name) => [name, shop[name].timed(hear)] as const);
  return { ...shop, ...(Object.fromEntries(sources) as Record<SubgraphName, Source>) };
}
