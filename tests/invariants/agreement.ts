import type { Source } from './source.ts';
import { hashOf, tally } from './tally.ts';

/**
 * Finding out where two databases disagree, without carrying all their rows here.
 *
 * A *fact* is what both have to say alike about one id: "this order has two of that variant at this price". Each side hashes its facts and adds
 * the hashes up. Where the sums are equal, so are the facts, but for once in four thousand million times. Where they are not, the facts are added up again
 * in 256 parts, and of the parts that differ, for each id.
 *
 * What comes out are *suspects*: the sides are not read at the same instant and the shop does not stand still meanwhile, so each suspect has to
 * be looked up before it is called broken.
 */
export interface Facts {
  of: Source;
  /** A table, or a join, with its WHERE if it has one. */
  from: string;
  /** The column of the id, 16 bytes. */
  by: string;
  /** What is said, as text in SQL; never NULL. */
  fact: string;
  /** Which rows say it, where not all do. */
  where?: string;
  /** How often it is said, as a number of floating point in SQL; below zero to take back what others have said. */
  times?: string;
}

/** The ids about which the two sides say different things. */
export async function disagreeing(left: readonly Facts[], right: readonly Facts[]): Promise<Buffer[]> {
  const inAll = await Promise.all([left, right].map((side) => addUp(side, total)));
  if (differences(inAll).length === 0) return [];
  const parts = differences(await Promise.all([left, right].map((side) => addUp(side, inParts))));
  if (parts.length === 0) return [];
  const singly = await Promise.all([left, right].map((side) => addUp(side, (facts) => inIds(facts, parts))));
  return differences(singly).map((id) => Buffer.from(id, 'hex'));
}

type Sums = Map<string, number>;

const total = async (facts: Facts): Promise<Sums> => new Map([['all', await tally({ ...facts, sum: summand(facts) })]]);

const inParts = (facts: Facts) => sumsBy(facts, partOf(facts.by));

const inIds = (facts: Facts, parts: readonly string[]) =>
  sumsBy(facts, `HEX(${facts.by})`, parts.length < PARTS ? `${partOf(facts.by)} IN (${parts.join(', ')})` : undefined);

const PARTS = 256;
const partOf = (id: string) => `CRC32(${id}) & ${PARTS - 1}`;

async function sumsBy(facts: Facts, name: string, which?: string): Promise<Sums> {
  const { of, from } = facts;
  const where = which ? `${/\bWHERE\b/.test(from) ? 'AND' : 'WHERE'} ${which}` : '';
  const rows = await of.rows<{ name: string | number | null; sum: number | null }>(
    `SELECT ${name} AS name, SUM(${summand(facts)} * 1e0) AS sum FROM ${from} ${where} GROUP BY name`,
  );
  return new Map(rows.flatMap((row) => (row.name === null ? [] : [[String(row.name), row.sum ?? 0]])));
}

function summand({ by, fact, where, times }: Facts): string {
  const hash = hashOf(`CONCAT(${by}, ${fact})`);
  const said = times ? `${times} * ${hash}` : hash;
  return where ? `IF(${where}, ${said}, 0)` : `(${said})`;
}

async function addUp(side: readonly Facts[], count: (facts: Facts) => Promise<Sums>): Promise<Sums> {
  const sums: Sums = new Map();
  for (const counted of await Promise.all(side.map(count))) {
    for (const [name, sum] of counted) sums.set(name, (sums.get(name) ?? 0) + sum);
  }
  return sums;
}

function differences([left = new Map(), right = new Map()]: readonly Sums[]): string[] {
  const names = new Set([...left.keys(), ...right.keys()]);
  return [...names].filter((name) => (left.get(name) ?? 0) !== (right.get(name) ?? 0));
}
