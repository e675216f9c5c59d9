import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { before, today } from '../check/test-graph.ts';
import { contracts } from '../contracts.ts';
import { directoryRegistry } from '../registry/directory-registry.ts';
import type { Publication, UsageCount } from '../registry/registry.ts';
import { daysBefore } from '../registry/usage-days.ts';
import { printed } from '../test-output.ts';
import { usageCommand } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'souk-usage-'));
const now = new Date(`${today}T12:00:00Z`);
const registry = directoryRegistry(folder, () => now);
const record = (day: string, ...usage: UsageCount[]) =>
  registry.recordUsage({ source: randomUUID(), sequence: 1, day, usage });
const counted = (client: string, version: string, coordinate: string, requests: number): UsageCount => ({
  contract: 'storefront',
  client,
  version,
  coordinate,
  requests,
});
const run = (...given: string[]) => printed(() => usageCommand([...given, '--registry', folder], now));
const json = async (...given: string[]) => JSON.parse((await run(...given, '--json')).text);

beforeAll(async () => {
  const published = contracts.map((contract) => [contract, { supergraph: '', api: before.apis?.[contract], hash: '' }]);
  await registry.append({
    stage: 'production',
    number: 1,
    kind: 'publish',
    takenFrom: null,
    author: 'noor',
    publishedAt: now.toISOString(),
    reason: null,
    check: { passed: true, breaking: 0, exposing: 0, dangerous: 0, safe: 0, changes: [] },
    hash: '',
    subgraphs: before.subgraphs,
    contracts: Object.fromEntries(published) as Publication['contracts'],
  });
  await record(daysBefore(now, 40), counted('web', '1.0', 'Product.color', 7));
  await record(
    daysBefore(now, 3),
    counted('web', '1.4', 'Product.title', 1_200),
    counted('ios', '2.0', 'Product.title', 30),
    counted('web', '1.4', 'OrderPlaceInput.*', 4),
    counted('web', '1.4', 'Query.product', 1_230),
  );
  await record(today, counted('ios', '2.0', 'Product.title', 1), counted('web', '1.5', 'Product.weight', 1));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('schema:usage', () => {
  it('tells of each field how often, when last, and by whom', async () => {
    const { code, text } = await run('--contract', 'storefront');
    expect(code).toBe(0);
    expect(text).toMatch(/Product\.title +1,231 requests {2}2026-11-21 {2}web 1\.4, ios 2\.0\n/);
    expect(text).toMatch(/Product\.weight +1 request {2}2026-11-21 {2}web 1\.5 {2}deprecated: Use mass/);
    expect(text).toMatch(
      /OrderPlaceInput\.note +4 requests {2}2026-11-18 {2}web 1\.4 \(may have sent it in a variable\)/,
    );
    expect(text).not.toContain('Product.color');
  });

  it('tells of one field, or of the fields of a type, who asked for it and when', async () => {
    expect((await run('--field', 'Product.title', '--contract', 'storefront')).text).toBe(
      `Product.title  storefront  1,231 requests
  web 1.4  1,200 requests, 2026-11-18 to 2026-11-18
  ios 2.0  31 requests, 2026-11-18 to 2026-11-21
Product.title(language:)  storefront  0 requests

On 1 of the 30 days since 2026-10-22 somebody counted the whole day: what nobody asked for on the others, nobody knows.
`,
    );
    const { fields } = await json('--field', 'Product', '--client', 'ios', '--contract', 'storefront');
    const used = fields.filter(({ requests }: { requests: number }) => requests > 0);
    expect(used).toEqual([expect.objectContaining({ coordinate: 'Product.title', requests: 31 })]);
  });

  it('does not call unused what nobody would have seen', async () => {
    const { text } = await run('--unused', '--contract', 'storefront');
    expect(text).toContain('Not asked for while somebody counted: ');
    expect(text).not.toContain('Unused for');
    const listed = text.split('\n').filter((line) => line.startsWith('  '));
    // What is deprecated comes first; what was asked for before the time that is looked at counts as little as what never was.
    expect(listed.findIndex((line) => line.includes('Product.color  deprecated'))).toBeLessThan(4);
    expect(listed).toContain('  Product.subtitle');
    expect(listed).toContain('  Query.product(currency:)');
    for (const used of ['Product.title', 'OrderPlaceInput.cartId', 'Query.product', 'OrderStatus.OPEN']) {
      expect(listed).not.toContain(`  ${used}`);
    }
    // Their fields are not asked for, and that says it all.
    expect(text).not.toContain('Query.found(');
  });

  it('says that a field is unused when somebody counted on every day', async () => {
    await record(daysBefore(now, 1));
    await record(daysBefore(now, 2));
    const { text } = await run('--unused', '--days', '3');
    expect(text).toMatch(/Unused for 3 days: \d+ of \d+\. Somebody counted on each of the 3 days since 2026-11-18\./);
    expect(await json('--unused', '--days', '4')).toMatchObject({ isComplete: false, daysRecorded: 3, days: 4 });
  });

  it.each([
    [['--days', '0'], 'from 1 to 90 days'],
    [['--days', '91'], 'from 1 to 90 days'],
    [['--contract', 'partner'], 'Expected a contract'],
    [['--field', 'Product.nothing'], 'has no Product.nothing'],
    [['--nothing'], 'Usage: souk-schema usage'],
  ])('says of %j what was expected', async (given, expected) => {
    await expect(run(...given)).rejects.toThrow(expected);
  });
});
