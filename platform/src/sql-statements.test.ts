import { createEmptyDatabase, type TestDatabase } from '@souk/dev/test-database';
import { sql } from 'drizzle-orm';
import { register } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OpenDatabase, openDatabase, transaction } from './database.ts';
import { type StatementTally, tallyStatements } from './sql-statements.ts';

let store: TestDatabase;
let database: OpenDatabase;

beforeAll(async () => {
  store = await createEmptyDatabase();
  // With one connection, each waits for somebody else to give it back.
  database = openDatabase({ url: store.url, poolSize: 1 });
});
afterAll(async () => {
  await database.close();
  await store.drop();
});

const emptyTally = (): StatementTally => ({ count: 0, durationMs: 0 });
const sleep = (seconds: number) => database.db.execute(sql`SELECT SLEEP(${seconds})`);

async function counted(cause: string): Promise<number> {
  const { values = [] } = (await register.getSingleMetric('souk_sql_statements_total')?.get()) ?? {};
  return values.find(({ labels }) => labels['cause'] === cause)?.value ?? 0;
}

it('each statement is added to the request that sent it, whoever had the connection before', async () => {
  const tallies = [1, 2, 3].map((count) => ({ count, tally: emptyTally() }));
  await Promise.all(
    tallies.map(({ count, tally }) =>
      tallyStatements(tally, () => Promise.all(Array.from({ length: count }, () => sleep(0.02)))),
    ),
  );
  for (const { count, tally } of tallies) {
    expect(tally.count).toBe(count);
    expect(tally.durationMs).toBeGreaterThanOrEqual(20 * count * 0.9);
  }
});

it('what frames a transaction or sees whether the store is there is none', async () => {
  const tally = emptyTally();
  await tallyStatements(tally, async () => {
    await database.ping();
    await transaction(database.db, (tx) => tx.execute(sql`SELECT 2`));
  });
  expect(tally.count).toBe(1);
});

it('a statement that fails is one', async () => {
  const tally = emptyTally();
  await expect(tallyStatements(tally, () => database.db.execute(sql`SELECT nothing`))).rejects.toThrow();
  expect(tally).toEqual({ count: 1, durationMs: expect.any(Number) });
  expect(tally.durationMs).toBeGreaterThan(0);
});

it('metrics tell the work of requests from that of nobody', async () => {
  const before = { request: await counted('request'), background: await counted('background') };
  await tallyStatements(emptyTally(), () => sleep(0));
  await sleep(0);
  await sleep(0);
  expect(await counted('request')).toBe(before.request + 1);
  expect(await counted('background')).toBe(before.background + 2);
});
