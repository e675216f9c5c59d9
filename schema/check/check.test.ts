import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compositionOf, EDITION } from './composition-cache.ts';
import { outcome } from './report/wording.ts';
import { checkEdits, graph, registered, seen } from './test-graph.ts';

const withoutNote = { order: [['note: String\n      total', 'total']] } as const;
const readOrder = registered('query ReadOrder { order(id: "1") { note } }');

describe('a report', () => {
  it('says who breaks, by which operation, since when, in which contract, and where', async () => {
    const { passed, changes } = await checkEdits(withoutNote, { operations: [readOrder], usage: [seen('Order.note')] });
    expect(passed).toBe(false);
    expect(changes).toEqual([
      expect.objectContaining({
        verdict: 'breaking',
        contracts: ['storefront', 'admin'],
        subgraphs: ['order'],
        place: { file: 'schema/order.graphql', line: expect.any(Number) },
        remedy: expect.stringContaining('@deprecated(reason: "Use …. Removal not before YYYY-MM-DD.")'),
        feltBy: [
          expect.objectContaining({
            client: 'shop-app',
            version: '1.4.0',
            operation: 'ReadOrder',
            how: 'selects it',
            since: '2026-05-02T00:00:00.000Z',
          }),
          expect.objectContaining({
            client: 'old-app',
            operation: null,
            how: 'asked for it 12 times',
            lastSeenAt: '2026-11-20T00:00:00.000Z',
          }),
        ],
      }),
    ]);
  });

  it('names each client once, by what it surely did', async () => {
    const withGift = { order: [['cartId: ID! note', 'cartId: ID! gift: Boolean! note']] } as const;
    const usage = [seen('OrderPlaceInput.*'), seen('OrderPlaceInput.cartId'), seen('OrderPlaceInput.note')];
    const [first, all] = await Promise.all([
      checkEdits(withGift, { usage: usage.slice(0, 1), usageDays: 1 }),
      checkEdits(withGift, { usage, usageDays: 12 }),
    ]);
    const hows = (report: typeof all) => report.changes.map(({ feltBy }) => feltBy.map(({ how }) => how));
    expect(hows(first)).toEqual([['may have sent it in a variable 12 times']]);
    expect(hows(all)).toEqual([['asked for it 12 times']]);
    expect(outcome({ ...all, passed: true })).toContain('no registered operation and the requests of 12 days');
  });

  it('does not count what clients of another contract do', async () => {
    const hidden = { catalog: [['subtitle: String', 'subtitle: String @tag(name: "admin")']] } as const;
    const read = 'query Read { product(id: 1) { subtitle } }';
    const { changes } = await checkEdits(hidden, { operations: [registered(read, 'admin')] });
    expect(changes.map(({ verdict, contracts }) => [verdict, contracts])).toEqual([['dangerous', ['storefront']]]);
  });

  it('tells of operations that were broken before, and does not blame the change for them', async () => {
    const gone = registered('query Gone { order(id: 1) { price } }');
    const { changes, stale } = await checkEdits(withoutNote, { operations: [gone] });
    expect(changes.map(({ verdict }) => verdict)).toEqual(['dangerous']);
    expect(stale).toEqual([expect.objectContaining({ name: 'Gone', reason: expect.stringContaining('price') })]);
  });

  it('has nothing to compare with at first, and still composes and lints', async () => {
    const { passed, changes, lint } = await checkEdits({}, { before: null });
    expect([passed, changes, lint.length > 0]).toEqual([false, [], true]);
  });

  it('finds only what lint did not find before', async () => {
    const shouting = { order: [['customer: User', 'customer: User\n      "Called twice." CALLED: Int']] } as const;
    const { passed, lint } = await checkEdits(shouting);
    expect(passed).toBe(false);
    expect(lint).toEqual([
      {
        rule: 'naming',
        message: 'order: Order.CALLED must be in camelCase.',
        hint: expect.stringContaining('camelCase'),
        subgraph: 'order',
        place: { file: 'schema/order.graphql', line: expect.any(Number) },
      },
    ]);
  });

  it('finds nothing where nothing changed', async () => {
    expect(await checkEdits({})).toMatchObject({ passed: true, changes: [], lint: [], composition: [] });
  });

  it('tells of a new subgraph what it adds, and of one that goes what goes with it', async () => {
    const before = graph('before', {});
    const without = { ...before, label: 'without', subgraphs: before.subgraphs.filter(({ name }) => name !== 'order') };
    const gone = await checkEdits({}, { after: without, operations: [readOrder] });
    expect(gone.changes.map(({ verdict, kind, coordinate }) => `${verdict} ${kind} ${coordinate}`)).toContain(
      'breaking FIELD_REMOVED Query.order',
    );
    const added = await checkEdits({}, { before: without, after: before });
    expect(new Set(added.changes.map(({ verdict }) => verdict))).toEqual(new Set(['safe']));
  });
});

describe('the cache of composed graphs', () => {
  it('is another one for each version of the composers', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
    for (const composer of ['@apollo/composition', '@theguild/federation-composition']) {
      expect(EDITION).toContain(`${composer}@${dependencies[composer]}`);
    }
  });

  it('gives what composing gives, and keeps only so much', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'souk-cache-'));
    try {
      for (let old = 0; old < 30; old++) writeFileSync(join(folder, `${old}.json`), '{}');
      const { subgraphs } = graph('after', {});
      const composed = await compositionOf(subgraphs, folder);
      expect(await compositionOf(subgraphs, folder)).toEqual(composed);
      expect(readdirSync(folder).length).toBeLessThanOrEqual(20);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('an approval', () => {
  const approval = {
    change: 'FIELD_REMOVED Order.note',
    reason: 'The app of 2019 is switched off.',
    until: '2026-12-01',
  };
  const request = { operations: [readOrder] };

  it('lets its change pass, and says why', async () => {
    const report = await checkEdits(withoutNote, { ...request, approvals: [approval] });
    expect(report.passed).toBe(true);
    expect(report.changes[0]).toMatchObject({ verdict: 'breaking', approval: approval.reason });
  });

  it.each([
    ['another change', { ...approval, change: 'FIELD_REMOVED Order.total' }],
    ['a day that has passed', { ...approval, until: '2026-11-20' }],
  ])('for %s lets nothing pass', async (_case, other) => {
    expect(await checkEdits(withoutNote, { ...request, approvals: [other] })).toMatchObject({ passed: false });
  });
});
