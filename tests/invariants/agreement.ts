import type { Source } from './source.ts';
import { hashOf, type Tallied, type Tally, tally, tallySingly } from './tally.ts';

/**
 * Finding out where two databases disagree, without carrying all their rows here.
 *
 * A *fact* is what both have to say alike about one id: "this order has two of that variant at this price". Each side hashes its facts and adds
 * the hashes up, in 256 sums. Where two sums are equal, so are the facts behind them; only behind the others the ids are looked at one by one.
 * What comes out are *suspects*: the sides are not read at the same instant and the shop does not stand still meanwhile, so each suspect has to
 * be looked up before it is called broken.
 *
 * Two sides that differ have equal sums once in four thousand million times.
 */
export interface Facts {
  of: Source;
  from: string;
  by: string;
  /** What is said, as text in SQL; never NULL. */
  fact: string;
  /** Which rows say it, where not all do. */
  where?: string;
  /** True for facts that take away again what others have added. */
  isTakenAway?: boolean;
}

/** The ids about which the two sides say different things. */
export async function disagreeing(left: readonly Facts[], right: readonly Facts[]): Promise<Buffer[]> {
  const sides = [left.map(asTally), right.map(asTally)];
  const inParts = await Promise.all(sides.map((side) => addUp(side, tally)));
  const parts = differences(...inParts).filter((part) => part !== 'null');
  if (parts.length === 0) return [];
  const singly = await Promise.all(sides.map((side) => addUp(side, (each) => tallySingly(each, parts))));
  return differences(...singly).map((id) => Buffer.from(id, 'hex'));
}

function asTally({ of, from, by, fact, where, isTakenAway }: Facts): Tally {
  const hash = `${isTakenAway ? -1 : 1}e0 * ${hashOf(`CONCAT(${by}, ${fact})`)}`;
  return { of, from, by, sum: where ? `IF(${where}, ${hash}, 0)` : hash };
}

async function addUp(side: readonly Tally[], count: (wanted: Tally) => Promise<Tallied>): Promise<Tallied> {
  const sums: Tallied = new Map();
  for (const counted of await Promise.all(side.map(count))) {
    for (const [name, value] of counted) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}

function differences(left: Tallied = new Map(), right: Tallied = new Map()): string[] {
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].filter((name) => (left.get(name) ?? 0) !== (right.get(name) ?? 0));
}
