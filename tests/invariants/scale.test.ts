import { allByName } from '@souk/dev/by-name';
import { createTestDatabase, type TestDatabase } from '@souk/dev/test-database';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { check } from './check.ts';
import { fillShop } from './fill.ts';
import { openSources } from './shop.ts';
import { brokenOf } from './test-shop.ts';

/** A history long enough that every way of finding a fault in many rows is taken. `node tests/invariants/measure.ts` tells how long it takes. */
const history = { orders: 3_000, days: 3, users: 300, variants: 60 };

let databases: Record<SubgraphName, TestDatabase>;
let sources: Awaited<ReturnType<typeof openSources>>;
beforeAll(async () => {
  databases = await allByName(subgraphNames, createTestDatabase);
  const adminUrls = await allByName(subgraphNames, async (name) => databases[name].adminUrl);
  await fillShop(adminUrls, history);
  sources = await openSources({ databaseUrls: adminUrls, providerLog: null });
}, 120_000);
afterAll(async () => {
  await sources[Symbol.asyncDispose]();
  await allByName(subgraphNames, (name) => databases[name].drop());
});

async function change(name: SubgraphName, ...statements: string[]): Promise<void> {
  const admin = await createConnection({ uri: databases[name].adminUrl });
  for (const statement of statements) await admin.query(statement);
  await admin.end();
}

it('a long history in which all went well breaks nothing', async () => {
  const findings = await check(sources, { isSettled: true });
  expect(brokenOf(findings)).toEqual([]);
  expect(findings.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id)).toEqual(['M9', 'S12']);
});

it('every one of many faults is counted, and twenty are shown', async () => {
  await change(
    'order',
    'UPDATE order_lines SET unit_price_minor = unit_price_minor + 1 WHERE position = 2 AND quantity = 2',
  );
  const findings = await check(sources, { isSettled: true });
  // Of called-off orders the price is not compared with the quote any more, but the sum is with the lines.
  expect(brokenOf(findings)).toEqual(['M10', 'O8']);
  const found = (id: string) => findings.find((finding) => finding.id === id);
  expect([found('M10')?.count, found('O8')?.count]).toEqual([1_500, 1_350]);
  expect(found('O8')?.examples).toHaveLength(20);
  await change(
    'order',
    'UPDATE order_lines SET unit_price_minor = unit_price_minor - 1 WHERE position = 2 AND quantity = 2',
  );
});

it('two faults that make up for each other are both seen', async () => {
  const shift = (first: string, last: string) => [
    `UPDATE orders SET subtotal_minor = subtotal_minor ${first}, total_minor = total_minor ${first} ORDER BY id LIMIT 1`,
    `UPDATE orders SET subtotal_minor = subtotal_minor ${last}, total_minor = total_minor ${last} ORDER BY id DESC LIMIT 1`,
  ];
  await change('order', ...shift('+ 1', '- 1'));
  const findings = await check(sources, { isSettled: true });
  expect(findings.find(({ id }) => id === 'M10')?.count).toBe(2);
  await change('order', ...shift('- 1', '+ 1'));
  expect(brokenOf(await check(sources, { isSettled: true }))).toEqual([]);
});
