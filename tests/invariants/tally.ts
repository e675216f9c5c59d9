import { randomInt } from 'node:crypto';
import type { Source } from './source.ts';

/**
 * Sums over whole tables. Reading a table is what costs, not adding up: so everybody who wants a sum over the same rows asks for it before anybody
 * is answered, and one reading serves all.
 */
export interface Tally {
  of: Source;
  /** A table, or a join, with its WHERE if it has one. */
  from: string;
  /**
   * What a row adds, as a whole number in SQL, less than 2^32. The server adds up in floating point, which takes a third of the time of DECIMAL. That is
   * exact for two million rows; of more, equal sums may look unequal, which makes a check slower and not wrong.
   */
  sum: string;
}

export function tally({ of, from, sum }: Tally): Promise<number> {
  const waiting = readings.get(of.connection) ?? announce(of);
  const wanted = waiting.get(from) ?? new Map<string, PromiseWithResolvers<number>>();
  waiting.set(from, wanted);
  const result = wanted.get(sum) ?? Promise.withResolvers<number>();
  wanted.set(sum, result);
  return result.promise;
}

/** Whether no row is of this kind, a condition in SQL. */
export async function noneIs(rows: Omit<Tally, 'sum'>, condition: string): Promise<boolean> {
  return (await tally({ ...rows, sum: `(${condition})` })) === 0;
}

/** A hash of text in SQL, of 32 bits, other in every run: what two hashes hide in one, they show in the next. */
export const hashOf = (text: string) => `(CRC32(${text}) ^ ${DRAWN})`;
const DRAWN = randomInt(2 ** 32);

/** A prime, so that no weight but zero makes an amount vanish; small enough that the product of two remainders fits into 64 bits. */
const MODULUS = 2 ** 31 - 1;

/** An amount multiplied by the hash of an id, in remainders. If the amounts of each id are equal, so are the sums; if not, hardly ever. */
export const weighed = (id: string, amount: string) =>
  `(CAST(${hashOf(id)} AS SIGNED) % ${MODULUS} * ((${amount}) % ${MODULUS}) % ${MODULUS})`;

/** The remainder of a sum of weighed amounts: zero for amounts that cancel out. */
export async function weightOf(wanted: Tally): Promise<number> {
  const remainder = (await tally(wanted)) % MODULUS;
  return remainder < 0 ? remainder + MODULUS : remainder;
}

export async function haveSameWeight(one: Tally, other: Tally): Promise<boolean> {
  const [left, right] = await Promise.all([weightOf(one), weightOf(other)]);
  return left === right;
}

/** The sums asked for of each table, until they are read. */
type Waiting = Map<string, Map<string, PromiseWithResolvers<number>>>;

const readings = new WeakMap<object, Waiting>();

/** Begins to collect wishes, until everybody who runs now has come to wait for something. */
function announce(source: Source): Waiting {
  const waiting: Waiting = new Map();
  readings.set(source.connection, waiting);
  setImmediate(() => {
    readings.delete(source.connection);
    for (const [from, wanted] of waiting) void read(source, from, wanted);
  });
  return waiting;
}

async function read(source: Source, from: string, wanted: Map<string, PromiseWithResolvers<number>>): Promise<void> {
  const columns = [...wanted.keys()].map((sum, index) => `SUM(${sum} * 1e0) AS sum${index}`).join(', ');
  try {
    const [row] = await source.rows<Record<string, unknown>>(`SELECT ${columns} FROM ${from}`);
    for (const [index, result] of [...wanted.values()].entries()) result.resolve(Number(row?.[`sum${index}`] ?? 0));
  } catch (error) {
    for (const result of wanted.values()) result.reject(error);
  }
}
