import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Innocent, type Oracle, openOracle } from './oracle.ts';
import type { Reply } from './reply.ts';
import type { Scene } from './scene.ts';

/**
 * One thing that somebody tries, in a row of a table: what is sent, what has to be answered, and what has to have become of it in the databases.
 * Whatever the row asks for, the oracle looks at each answer, at a bystander's request of the same moment, and at every table (`oracle.ts`).
 */
export interface Attack<Given = unknown> {
  /** Ends the sentence "Somebody tries …". */
  tries: string;
  /** What has to be there before, such as an order to attack. Nothing of it counts as written by the attack. */
  given?(scene: Scene): Promise<Given>;
  request(scene: Scene, given: Given): Promise<Reply>;
  answer: Answer;
  /**
   * What it may write. Nothing, when absent: every table of every database has to be as before. Names of tables, such as `attempts`, when a refusal is counted;
   * `anything` for what is let in, because it stays just within a limit.
   */
  writes?: readonly string[] | 'anything';
  /** So many at once that a bystander may be told to come again. */
  isCrowd?: true;
  /** What has to have become of it; throws when it has not. */
  effect?(scene: Scene, given: Given, reply: Reply): Promise<unknown>;
}

/** What has to be answered. */
export interface Answer {
  status: number | readonly number[];
  /** `extensions.code` of the errors, in their order; one for any number of the same. No errors when absent. */
  code?: string;
  /** `code` of the `userErrors`, wherever they are in the data. None when absent. */
  userErrors?: readonly string[];
  /** What the data look like, as far as it matters. */
  data?: object;
  /** What headers of the answer are like; null where there must be none. */
  headers?: Record<string, string | RegExp | null>;
  /** For the few answers that HTTP gives no body, or that are pages for people. */
  isJson?: false;
}

/** Binds what a row is given to what its request and its effect get. */
export function attack<Given>(row: Attack<Given>): Attack {
  return row as Attack;
}

/** Makes a test of each row, and one of what all of them left behind. */
export function describeAttacks(
  area: string,
  rows: readonly Attack[],
  { scene, innocent }: { scene: () => Scene; innocent: () => Innocent },
): void {
  describe(area, () => {
    let oracle: Oracle;
    beforeAll(async () => {
      oracle = await openOracle(innocent());
    });
    afterAll(() => oracle?.close());

    it.each(rows.map((row) => [row.tries, row] as const))('%s', async (_, row) => {
      const given = await row.given?.(scene());
      await oracle.watch(
        row,
        () => row.request(scene(), given),
        async (reply) => {
          expectAnswer(reply, row.answer);
          await row.effect?.(scene(), given, reply);
        },
      );
    });

    it('leaves every process alive and every invariant whole', () => oracle.expectAllWell());
  });
}

function expectAnswer(reply: Reply, { status, code, userErrors = [], data, headers = {} }: Answer): void {
  const said = `${reply.status} ${reply.text.slice(0, 1_000)}`;
  expect([status].flat(), said).toContain(reply.status);
  expect(new Set(reply.errors.map(({ extensions }) => extensions?.['code'])), said).toEqual(
    new Set(code ? [code] : []),
  );
  expect(userErrorCodes(reply.data), said).toEqual(userErrors);
  if (data) expect(reply.data, said).toMatchObject(data);
  for (const [name, value] of Object.entries(headers)) {
    const got = reply.headers.get(name);
    if (value instanceof RegExp) expect(got ?? '', name).toMatch(value);
    else expect(got, name).toBe(value);
  }
}

function userErrorCodes(data: unknown): string[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([name, value]) =>
    name === 'userErrors' ? (value as { code: string }[]).map(({ code }) => code) : userErrorCodes(value),
  );
}
