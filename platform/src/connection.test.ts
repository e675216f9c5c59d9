import { and, eq, type SQL } from 'drizzle-orm';
import { datetime, index, int, mysqlTable, varchar } from 'drizzle-orm/mysql-core';
import fc from 'fast-check';
import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmptyDatabase, type TestDatabase } from '../../dev/test-database.ts';
import {
  type Connection,
  connectionOf,
  countUpTo,
  type Order,
  type PageArguments,
  pageOf,
  pageOfMany,
  pageOfTable,
} from './connection.ts';
import { amountMinor, instant, type OpenDatabase, openDatabase } from './database.ts';
import { bytesToId, idColumn } from './id.ts';

const orders = mysqlTable(
  'orders',
  {
    id: idColumn('Order', 'id').primaryKey(),
    userId: idColumn('User', 'user_id').notNull(),
    title: varchar('title', { length: 40 }).notNull(),
    quantity: int('quantity').notNull(),
    totalMinor: amountMinor('total_minor').notNull(),
    placedAt: instant('placed_at').notNull(),
    deliveredOn: datetime('delivered_on', { mode: 'string' }),
  },
  (table) => [index('orders_by_user_and_instant').on(table.userId, table.placedAt, table.id)],
);
type OrderRow = typeof orders.$inferSelect;

const idOf = (number: number) =>
  bytesToId(
    'Order',
    Buffer.alloc(16, 0)
      .fill(number >> 8, 14, 15)
      .fill(number & 255, 15),
  );
const userIds = [1, 2, 3].map((number) => bytesToId('User', Buffer.alloc(16, number)));
const [ann = '', bob = '', nobody = ''] = userIds;

/** Many ties in every column, values beyond 2^53, and text that differs only for a machine. */
const rows: OrderRow[] = Array.from({ length: 60 }, (_, number) => ({
  id: idOf(((number * 37) % 60) + 1),
  userId: number % 3 === 0 ? bob : ann,
  title: ['apple', 'Äpfel', 'zebra', 'it\'s 100% "fine" \\ 你好'][number % 4] ?? '',
  quantity: (number * 7) % 5,
  totalMinor: 2n ** 60n + BigInt(number % 6),
  placedAt: new Date(Date.UTC(2026, 0, 1, 0, 0, 0, number % 7)),
  deliveredOn: null,
}));

let database: TestDatabase;
let store: OpenDatabase;
const statements: string[] = [];

beforeAll(async () => {
  database = await createEmptyDatabase();
  store = openDatabase({ url: database.url });
  await store.db.execute(`CREATE TABLE orders (
    id BINARY(16) PRIMARY KEY, user_id BINARY(16) NOT NULL, title VARCHAR(40) NOT NULL, quantity INT NOT NULL,
    total_minor BIGINT NOT NULL, placed_at DATETIME(3) NOT NULL, delivered_on DATETIME,
    INDEX orders_by_user_and_instant (user_id, placed_at, id))`);
  await store.db.insert(orders).values(rows);
});

afterAll(async () => {
  await store?.close();
  await database?.drop();
});

const by = {
  id: { column: orders.id, direction: 'asc', value: (row: OrderRow) => row.id },
  idDown: { column: orders.id, direction: 'desc', value: (row: OrderRow) => row.id },
  placedAt: { column: orders.placedAt, direction: 'desc', value: (row: OrderRow) => row.placedAt },
  title: { column: orders.title, direction: 'asc', value: (row: OrderRow) => row.title },
  quantity: { column: orders.quantity, direction: 'desc', value: (row: OrderRow) => row.quantity },
  total: { column: orders.totalMinor, direction: 'asc', value: (row: OrderRow) => row.totalMinor },
} as const;

const sorts: Record<string, Order<OrderRow>> = {
  id: [by.id],
  'instant, newest first': [by.placedAt, by.idDown],
  'text, then id downwards': [by.title, by.idDown],
  'number and big number, mixed directions': [by.quantity, by.total, by.id],
};

function page(
  args: PageArguments,
  order: Order<OrderRow> = [by.id],
  { userId }: { userId?: string } = {},
): Promise<Connection<OrderRow>> {
  const filter: SQL | undefined = userId ? eq(orders.userId, userId) : undefined;
  return pageOf({
    args,
    name: 'orders',
    filter: { userId },
    order,
    rows: ({ where, orderBy, limit }) => {
      const query = store.db
        .select()
        .from(orders)
        .where(and(filter, where))
        .orderBy(...orderBy)
        .limit(limit);
      statements.push(query.toSQL().sql);
      return query;
    },
    count: (limit) => countUpTo(store.db, orders, filter, limit),
  });
}

const ids = (connection: Connection<OrderRow>) => connection.nodes.map((row) => row.id);

async function wholeList(order: Order<OrderRow>): Promise<string[]> {
  return ids(await page({ first: 100 }, order));
}

describe.each(Object.entries(sorts))('a list by %s', (_, order) => {
  test.each([1, 7, 20, 59, 60])('read forward %d at a time gives every row once, in order', async (first) => {
    const whole = await wholeList(order);
    const seen: string[] = [];
    for (let after: string | null = null; ; ) {
      const current: Connection<OrderRow> = await page({ first, after }, order);
      seen.push(...ids(current));
      expect(current.pageInfo.hasPreviousPage).toBe(after !== null);
      after = current.pageInfo.endCursor;
      if (!current.pageInfo.hasNextPage) break;
    }
    expect(whole).toHaveLength(60);
    expect(seen).toEqual(whole);
  });

  test.each([1, 7, 60])('read backward %d at a time gives the same list', async (last) => {
    const seen: string[] = [];
    for (let before: string | null = null; ; ) {
      const current: Connection<OrderRow> = await page({ last, before }, order);
      seen.unshift(...ids(current));
      expect(current.pageInfo.hasNextPage).toBe(before !== null);
      before = current.pageInfo.startCursor;
      if (!current.pageInfo.hasPreviousPage) break;
    }
    expect(seen).toEqual(await wholeList(order));
  });

  test('any window is the slice that the Relay algorithm gives', async () => {
    const whole = await page({ first: 100 }, order);
    const cursors = whole.edges.map((edge) => edge.cursor);
    const position = fc.option(fc.nat(59), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        position,
        position,
        fc.integer({ min: 1, max: 70 }),
        fc.boolean(),
        async (after, before, size, backward) => {
          const between = ids(whole).slice(after === undefined ? 0 : after + 1, before);
          const expected = after !== undefined && before !== undefined && before <= after ? [] : between;
          const window = await page(
            { after: cursors[after ?? -1], before: cursors[before ?? -1], [backward ? 'last' : 'first']: size },
            order,
          );
          expect(ids(window)).toEqual(backward ? expected.slice(-size) : expected.slice(0, size));
          expect(backward ? window.pageInfo.hasPreviousPage : window.pageInfo.hasNextPage).toBe(expected.length > size);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a page', () => {
  test('has 20 rows by default, edges that match its nodes, and cursors at its ends', async () => {
    const { edges, nodes, pageInfo } = await page({});
    expect(nodes).toHaveLength(20);
    expect(edges.map((edge) => edge.node)).toEqual(nodes);
    expect(pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: edges[0]?.cursor,
      endCursor: edges[19]?.cursor,
    });
    expect(edges[0]?.cursor).toMatch(/^[\w-]+$/);
  });

  test('before a cursor, without a size, holds the 20 rows next to it', async () => {
    const whole = await page({ first: 100 });
    expect(ids(await page({ before: whole.edges[50]?.cursor }))).toEqual(ids(whole).slice(30, 50));
  });

  test('of an empty list has no cursors and counts nothing', async () => {
    const empty = await page({}, [by.id], { userId: nobody });
    expect(empty).toMatchObject({
      edges: [],
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
    expect(await empty.totalCount()).toEqual({ count: 0, precision: 'EXACT' });
  });

  test('does not shift when rows come before it', async () => {
    const { endCursor: after } = (await page({ first: 10 })).pageInfo;
    const next = ids(await page({ first: 10, after }));
    const early = { ...(rows[0] as OrderRow), id: idOf(0) };
    await store.db.insert(orders).values(early);
    expect(ids(await page({ first: 1 }))).toEqual([early.id]);
    expect(ids(await page({ first: 10, after }))).toEqual(next);
    await store.db.delete(orders).where(eq(orders.id, early.id));
  });

  test('reads only its own rows from the index, however deep it lies', async () => {
    const crowd = Array.from({ length: 3_000 }, (_, number) => ({
      ...(rows[0] as OrderRow),
      id: idOf(1_000 + number),
      userId: nobody,
      placedAt: new Date(Date.UTC(2026, 0, 1) + Math.floor(number / 500)),
    }));
    await store.db.insert(orders).values(crowd);
    const order: Order<OrderRow> = [by.placedAt, by.idDown];
    const ofCrowd = eq(orders.userId, nobody);
    for (const depth of [10, 1_250, 2_900]) {
      const cursorRow = crowd[3_000 - depth] as OrderRow;
      const after = (
        await pageOf({ args: { first: 1 }, name: 'crowd', order, rows: async () => [cursorRow], count: async () => 0 })
      ).pageInfo.endCursor;
      const rowsRead = await store.db.transaction(async (tx) => {
        await tx.execute('FLUSH STATUS');
        const next = await pageOfTable({
          db: tx,
          table: orders,
          where: ofCrowd,
          args: { first: 5, after },
          name: 'crowd',
          order,
        });
        expect(ids(next)).toEqual(
          crowd
            .slice(2_995 - depth, 3_000 - depth)
            .map((row) => row.id)
            .reverse(),
        );
        const [status] = await tx.execute("SHOW SESSION STATUS LIKE 'Handler_read%'");
        return (status as unknown as { Value: string }[]).reduce((total, { Value }) => total + Number(Value), 0);
      });
      expect(rowsRead).toBeLessThan(50);
    }
    await store.db.delete(orders).where(ofCrowd);
  });

  test.each<[PageArguments, string]>([
    [{ first: 0 }, 'Expected first from 1 to 100, got 0.'],
    [{ first: -1 }, 'Expected first from 1 to 100, got -1.'],
    [{ first: 101 }, 'Expected first from 1 to 100, got 101.'],
    [{ last: 101 }, 'Expected last from 1 to 100, got 101.'],
    [{ first: 1.5 }, 'Expected first from 1 to 100, got 1.5.'],
    [{ first: 1, last: 1 }, 'Expected either first or last, got both.'],
    [{ after: '' }, 'Expected a cursor that an earlier page returned'],
    [{ after: 'x' }, 'Expected a cursor that an earlier page returned'],
    [{ before: Buffer.from('{}').toString('base64url') }, 'Expected a cursor that an earlier page returned'],
    [{ after: 'A'.repeat(100_000) }, 'Expected a cursor that an earlier page returned'],
  ])('with %.80j is refused before there is SQL', async (args, message) => {
    statements.length = 0;
    await expect(page(args)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining(message),
    });
    expect(statements).toEqual([]);
  });
});

describe('a cursor', () => {
  test('of another list, sort or filter is refused', async () => {
    const { endCursor: after } = (await page({ first: 1 }, [by.placedAt, by.id])).pageInfo;
    const refusal = { code: 'BAD_USER_INPUT', message: expect.stringContaining('another list') };
    await expect(page({ after }, [by.title, by.id])).rejects.toMatchObject(refusal);
    await expect(page({ after }, [{ ...by.placedAt, direction: 'asc' }, by.id])).rejects.toMatchObject(refusal);
    await expect(page({ after }, [by.placedAt, by.id], { userId: ann })).rejects.toMatchObject(refusal);
    expect(() => connectionOf([], { after }, { name: 'lines', key: String })).toThrow(expect.objectContaining(refusal));
    await expect(page({ after }, [by.placedAt, by.id])).resolves.toBeDefined();
  });

  test('forged with values of another type is refused before there is SQL', async () => {
    const { endCursor } = (await page({ first: 1 }, [by.title, by.id])).pageInfo;
    const [fingerprint] = JSON.parse(Buffer.from(endCursor ?? '', 'base64url').toString()) as string[];
    const id = idOf(1);
    statements.length = 0;
    for (const values of [
      [0, id],
      [null, id],
      [{ at: 0 }, id],
      [{ big: '1' }, id],
      ['a'],
      ['a', id, 1],
      ['a', 0],
      ['a', 'ordr_x'],
      [[], id],
    ]) {
      const after = Buffer.from(JSON.stringify([fingerprint, ...values])).toString('base64url');
      await expect(page({ after }, [by.title, by.id])).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
    expect(statements).toEqual([]);
  });

  test('forged with an impossible instant or number is refused', async () => {
    const order: Order<OrderRow> = [by.placedAt, by.total, by.id];
    const { endCursor } = (await page({ first: 1 }, order)).pageInfo;
    const [fingerprint] = JSON.parse(Buffer.from(endCursor ?? '', 'base64url').toString()) as string[];
    for (const values of [
      [{ at: 8.64e15 }, { big: '1' }],
      [{ at: null }, { big: '1' }],
      [{ at: 0 }, { big: '1e9' }],
      [{ at: 0 }, { big: '9'.repeat(40) }],
    ]) {
      const after = Buffer.from(JSON.stringify([fingerprint, ...values, idOf(1)])).toString('base64url');
      await expect(page({ after }, order)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    }
  });
});

describe('totalCount', () => {
  test('is counted once, when it is asked for', async () => {
    let counted = 0;
    const connection = await pageOf<OrderRow>({
      args: { first: 1 },
      name: 'orders',
      order: [by.id],
      rows: async () => rows.slice(0, 2),
      count: async (limit) => {
        counted += 1;
        return limit;
      },
    });
    expect(counted).toBe(0);
    expect(await Promise.all([connection.totalCount(), connection.totalCount()])).toEqual([
      { count: 10_001, precision: 'AT_LEAST' },
      { count: 10_001, precision: 'AT_LEAST' },
    ]);
    expect(counted).toBe(1);
  });

  test('is the whole list, not the page, and reads no more than the limit', async () => {
    const connection = await page({ first: 2 }, [by.id], { userId: ann });
    expect(await connection.totalCount()).toEqual({ count: 40, precision: 'EXACT' });
    expect(await countUpTo(store.db, orders, undefined, 7)).toBe(7);
  });
});

describe('pages of many parents', () => {
  const pages = (args: PageArguments, parents: readonly string[] = userIds) =>
    pageOfMany({
      db: store.db,
      table: orders,
      parent: orders.userId,
      parents,
      args,
      name: 'userOrders',
      order: [by.placedAt, by.idDown],
    });

  test('equal the pages of each parent alone, in one statement', async () => {
    for (const args of [{ first: 3 }, { first: 100 }, { last: 5 }]) {
      const before = await statementCount();
      const found = await pages(args);
      expect((await statementCount()) - before).toBe(1);
      for (const userId of userIds) {
        const alone = await page(args, [by.placedAt, by.idDown], { userId });
        expect(found.get(userId)?.nodes).toEqual(alone.nodes);
        expect(found.get(userId)?.pageInfo.hasNextPage).toBe(alone.pageInfo.hasNextPage);
        expect(found.get(userId)?.pageInfo.hasPreviousPage).toBe(alone.pageInfo.hasPreviousPage);
        expect(await found.get(userId)?.totalCount()).toEqual(await alone.totalCount());
      }
    }
  });

  test('go on from their cursors', async () => {
    const first = (await pages({ first: 30 }, [ann])).get(ann);
    const rest = (await pages({ first: 30, after: first?.pageInfo.endCursor }, [ann])).get(ann);
    const whole = await page({ first: 100 }, [by.placedAt, by.idDown], { userId: ann });
    expect([...(first?.nodes ?? []), ...(rest?.nodes ?? [])]).toEqual(whole.nodes);
    expect(rest?.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  });

  test('count all parents with one statement', async () => {
    const found = await pages({ first: 1 });
    const before = await statementCount();
    const counts = await Promise.all(userIds.map((id) => found.get(id)?.totalCount()));
    expect(counts.map((count) => count?.count)).toEqual([40, 20, 0]);
    expect((await statementCount()) - before).toBe(1);
  });

  test('of no parents ask nothing', async () => {
    const before = await statementCount();
    expect(await pages({}, [])).toEqual(new Map());
    expect((await statementCount()) - before).toBe(0);
  });

  async function statementCount(): Promise<number> {
    const counter = await register.getSingleMetric('souk_sql_statements_total')?.get();
    return counter?.values[0]?.value ?? Number.NaN;
  }
});

describe('a page of a loaded list', () => {
  const list = Array.from({ length: 30 }, (_, number) => ({ id: `line${number}` }));
  const lines = { name: 'lines', key: (line: { id: string }) => line.id };
  const idsOf = (connection: Connection<{ id: string }>) => connection.nodes.map((line) => line.id);

  test('is the slice that the Relay algorithm gives', () => {
    const cursors = connectionOf(list, { first: 100 }, lines).edges.map((edge) => edge.cursor);
    const position = fc.option(fc.nat(29), { nil: undefined });
    fc.assert(
      fc.property(
        position,
        position,
        fc.integer({ min: 1, max: 40 }),
        fc.boolean(),
        (after, before, size, backward) => {
          const start = after === undefined ? 0 : after + 1;
          const between = list
            .slice(start, before === undefined ? undefined : Math.max(start, before))
            .map((line) => line.id);
          const window = connectionOf(
            list,
            { after: cursors[after ?? -1], before: cursors[before ?? -1], [backward ? 'last' : 'first']: size },
            lines,
          );
          expect(idsOf(window)).toEqual(backward ? between.slice(-size) : between.slice(0, size));
          expect(backward ? window.pageInfo.hasPreviousPage : window.pageInfo.hasNextPage).toBe(between.length > size);
        },
      ),
    );
  });

  test('counts the list', async () => {
    expect(await connectionOf(list, { first: 2 }, lines).totalCount()).toEqual({ count: 30, precision: 'EXACT' });
  });

  test('refuses a cursor whose row is gone, and a size above 100', () => {
    const { endCursor: after } = connectionOf(list, {}, lines).pageInfo;
    expect(() => connectionOf(list.slice(0, 5), { after }, lines)).toThrow('gone from the list');
    expect(() => connectionOf(list, { first: 101 }, lines)).toThrow('Expected first from 1 to 100');
  });
});
