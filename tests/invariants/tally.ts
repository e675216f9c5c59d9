import { randomInt } from 'node:crypto';
import type { Source } from './source.ts';

/**
 * Sums over a whole table, in 256 parts by the hash of an id. Reading a table is what costs, not adding up: so everybody who wants a sum over the
 * same rows asks for it before anybody is answered, and one reading serves all.
 */
export interface Tally {
  of: Source;
  /** A table, or a join, with its WHERE if it has one. */
  from: string;
  /** The column of the id, 16 bytes. */
  by: string;
  /** What a row adds, as a whole number in SQL, less than 2^32. */
  sum: string;
}

/** Exact: a part of a table of many million rows still sums to less than 2^53. */
export type Tallied = Map<string, number>;

export const PARTS = 256;
export const partOf = (id: string) => `CRC32(${id}) & ${PARTS - 1}`;

/** The sums by the number of their part. */
export function tally({ of, from, by, sum }: Tally): Promise<Tallied> {
  const waiting = readings.get(of.connection) ?? announce(of);
  const name = `${by} ${from}`;
  const reading = waiting.get(name) ?? { from, by, sums: [] };
  waiting.set(name, reading);
  const known = reading.sums.find((each) => each.sum === sum);
  if (known) return known.result.promise;
  const result = Promise.withResolvers<Tallied>();
  reading.sums.push({ sum, result });
  return result.promise;
}

/** Whether no row is of this kind: a condition in SQL that is never NULL. */
export async function noneIs(rows: Omit<Tally, 'sum'>, condition: string): Promise<boolean> {
  return [...(await tally({ ...rows, sum: `(${condition})` })).values()].every((count) => count === 0);
}

/** A hash of text in SQL, of 32 bits, other in every run: what two hashes hide in one, they show in the next. */
export const hashOf = (text: string) => `(CRC32(${text}) ^ ${DRAWN})`;
const DRAWN = randomInt(2 ** 32);

/** A prime, so that no weight but zero makes an amount vanish; small enough that the product of two remainders fits into 64 bits. */
const MODULUS = 2 ** 31 - 1;

/** An amount multiplied by the hash of an id, in remainders. If the amounts of each id are equal, so are the sums; if not, hardly ever. */
export const weighed = (id: string, amount: string) =>
  `(CAST(${hashOf(id)} AS SIGNED) % ${MODULUS} * ((${amount}) % ${MODULUS}) % ${MODULUS})`;

export async function haveSameWeight(one: Tally, other: Tally): Promise<boolean> {
  const [left, right] = await Promise.all([weightOf(one), weightOf(other)]);
  return left === right;
}

/** The remainder of a sum of weighed amounts: zero for amounts that cancel out. */
export async function weightOf(wanted: Tally): Promise<bigint> {
  const modulus = BigInt(MODULUS);
  const sum = [...(await tally(wanted)).values()].reduce((total, part) => total + BigInt(part), 0n);
  return ((sum % modulus) + modulus) % modulus;
}

/** The same sums, for single ids in some of the parts; by the id in hex. */
export async function tallySingly({ of, from, by, sum }: Tally, parts: readonly string[]): Promise<Tallied> {
  const among = parts.length === PARTS ? '' : `WHERE ${partOf('id')} IN (${parts.join(', ')})`;
  const rows = await of.rows<{ id: string; sum: number }>(
    `SELECT HEX(id) AS id, SUM(summand * 1e0) AS sum FROM (SELECT ${by} AS id, ${sum} AS summand FROM ${from}) counted ${among} GROUP BY counted.id`,
  );
  return new Map(rows.map(({ id, sum: value }) => [id, value]));
}

interface Reading {
  from: string;
  by: string;
  sums: { sum: string; result: PromiseWithResolvers<Tallied> }[];
}

const readings = new WeakMap<object, Map<string, Reading>>();

/** Begins to collect wishes, until everybody who runs now has come to wait for something. */
function announce(source: Source): Map<string, Reading> {
  const waiting = new Map<string, Reading>();
  readings.set(source.connection, waiting);
  setImmediate(() => {
    readings.delete(source.connection);
    for (const reading of waiting.values()) void read(source, reading);
  });
  return waiting;
}

async function read(source: Source, { from, by, sums }: Reading): Promise<void> {
  // Adding up numbers of floating point takes a third of the time that DECIMAL takes, which SUM would choose for whole ones.
  const columns = sums.map(({ sum }, index) => `SUM(${sum} * 1e0) AS sum${index}`).join(', ');
  try {
    const rows = await source.rows<Record<string, unknown>>(
      `SELECT ${partOf(by)} AS part, ${columns} FROM ${from} GROUP BY part`,
    );
    for (const [index, { result }] of sums.entries()) {
      result.resolve(new Map(rows.map((row) => [String(row['part']), Number(row[`sum${index}`] ?? 0)])));
    }
  } catch (error) {
    for (const { result } of sums) result.reject(error);
  }
}
