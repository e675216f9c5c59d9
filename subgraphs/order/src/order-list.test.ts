import { newId } from '@souk/platform/id';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CANCEL, countStatements, ORDER_FIELDS, openTestService, type TestService } from '../test-service.ts';
import { type OrderRow, orders } from './tables.ts';

let service: TestService;
let ann: string;
let bob: string;
/** Ann's orders, oldest first; Bob has one. */
let placed: OrderRow[];
let bobs: OrderRow;

beforeAll(async () => {
  service = await openTestService();
  ann = service.newCustomer();
  bob = service.newCustomer();
  placed = [];
  for (const [index, quantity] of [3, 1, 2, 5, 4].entries()) {
    const lines = [{ variantId: service.shop.addVariant(), quantity }];
    const { id } = await service.newOrder(ann, { lines, email: `ann+${index}@example.com` });
    await service.db
      .update(orders)
      .set({ placedAt: new Date(Date.UTC(2026, 0, index + 1)) })
      .where(eq(orders.id, id));
    placed.push(await service.readOrder(id));
  }
  bobs = await service.newOrder(bob, { email: 'bob_1@example.com' });
  const orderId = placed[0]?.id;
  await service.ask(ann, CANCEL, { input: { orderId, reason: 'OTHER' } });
});
afterAll(() => service.close());

const idOf = (index: number) => placed[index]?.id ?? '';
const orderById = 'query ($id: ID!) { order(id: $id) { id } }';
const entities = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { __typename ... on Order { id } ... on OrderLine { id title } }
}`;

describe('an order', () => {
  it('is seen by its customer, by staff who may read orders, and by nobody else', async () => {
    const number = placed[0]?.number;
    const byNumber = 'query ($number: String!) { order(number: $number) { id } }';
    const seen = { order: { id: idOf(0) } };
    expect((await service.ask(ann, orderById, { id: idOf(0) })).data).toEqual(seen);
    expect((await service.ask(ann, byNumber, { number: ` ${number?.toLowerCase()}` })).data).toEqual(seen);
    expect((await service.ask(bob, orderById, { id: idOf(0) }, 'order:read')).data).toEqual(seen);
    expect((await service.ask(bob, orderById, { id: idOf(0) })).data).toEqual({ order: null });
    expect((await service.ask(bob, byNumber, { number })).data).toEqual({ order: null });
    expect((await service.ask(bob, orderById, { id: idOf(0) }, 'order:write')).data).toEqual({ order: null });
    const guest = await service.ask(null, orderById, { id: idOf(0) });
    expect(guest.errors[0]?.extensions['code']).toBe('UNAUTHENTICATED');
  });

  it('is named by exactly one of id and number', async () => {
    const both = `{ order(id: "${idOf(0)}", number: "${placed[0]?.number}") { id } }`;
    for (const query of ['{ order { id } }', both, `{ order(id: "${newId('Cart')}") { id } }`]) {
      expect((await service.ask(ann, query)).errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    }
  });

  it('and its lines are null through other subgraphs, too, for whoever may not see them', async () => {
    const lineId = (await service.ask(ann, `{ order(id: "${idOf(1)}") { lines { nodes { id } } } }`)).data.order.lines
      .nodes[0].id;
    const representations = [
      { __typename: 'Order', id: idOf(1) },
      { __typename: 'Order', number: placed[1]?.number },
      { __typename: 'OrderLine', id: lineId },
    ];
    const { data } = await service.ask(ann, entities, { representations });
    expect(data._entities).toMatchObject([{ id: idOf(1) }, { id: idOf(1) }, { id: lineId, title: 'Linen shirt' }]);
    expect((await service.ask(bob, entities, { representations })).data._entities).toEqual([null, null, null]);
    expect((await service.ask(null, entities, { representations })).data._entities).toEqual([null, null, null]);
    expect((await service.askAsPayment(entities, { representations })).data._entities).toHaveLength(3);
  });

  it('is given to the payment service for its own customer only', async () => {
    const query = `query ($orderId: ID!, $userId: ID!) {
      orderForPayment(orderId: $orderId, userId: $userId) { id status paymentDueAt allowedActions total { amount } }
    }`;
    const { data } = await service.askAsPayment(query, { orderId: idOf(1), userId: ann });
    expect(data.orderForPayment).toMatchObject({ status: 'AWAITING_PAYMENT', total: { amount: '19.90' } });
    expect(data.orderForPayment.allowedActions).toContain('PAY');
    expect((await service.askAsPayment(query, { orderId: idOf(1), userId: bob })).data.orderForPayment).toBeNull();
    const outside = await service.ask(ann, query, { orderId: idOf(1), userId: ann }, 'order:read', 'order:write');
    expect(outside.errors[0]?.extensions['code']).toBe('FORBIDDEN');
  });
});

describe('orders', () => {
  const list = async (args: string) => {
    const query = `{ orders${args} { nodes { id } pageInfo { endCursor hasNextPage } totalCount { count precision } } }`;
    const { data, errors } = await service.ask(bob, query, {}, 'order:read');
    return { errors, ids: data?.orders?.nodes.map(({ id }: { id: string }) => id), ...data?.orders };
  };
  const idsInOrder = (...indexes: number[]) => indexes.map(idOf);

  it('are for staff who may read them', async () => {
    const denied = await service.ask(ann, '{ orders { nodes { id } } }', {}, 'order:write');
    expect(denied.errors[0]?.extensions['code']).toBe('FORBIDDEN');
  });

  it('come newest first, by total or by number, either way', async () => {
    expect((await list('')).ids).toEqual([bobs.id, ...idsInOrder(4, 3, 2, 1, 0)]);
    const mine = `filter: { userId: "${ann}" }`;
    expect((await list(`(${mine}, reverse: false)`)).ids).toEqual(idsInOrder(0, 1, 2, 3, 4));
    expect((await list(`(${mine}, sortKey: TOTAL)`)).ids).toEqual(idsInOrder(3, 4, 0, 2, 1));
    const byNumber = [...placed].sort((a, b) => (a.number < b.number ? -1 : 1)).map(({ id }) => id);
    expect((await list(`(${mine}, sortKey: NUMBER, reverse: false)`)).ids).toEqual(byNumber);
  });

  it('are filtered by status, customer, time, and the beginning of number or e-mail', async () => {
    expect((await list('(filter: { status: [CANCELED] })')).ids).toEqual([idOf(0)]);
    const inJanuary = 'placedAfter: "2026-01-02T00:00:00Z", placedBefore: "2026-01-04T00:00:00Z"';
    expect((await list(`(filter: { ${inJanuary} })`)).ids).toEqual(idsInOrder(2, 1));
    expect((await list('(filter: { query: "ANN+" })')).ids).toEqual(idsInOrder(4, 3, 2, 1, 0));
    expect((await list(`(filter: { query: "${placed[2]?.number.toLowerCase().slice(0, 10)}" })`)).ids).toEqual([
      idOf(2),
    ]);
    expect((await list('(filter: { query: "%" })')).ids).toEqual([]);
    expect((await list('(filter: { query: "bob-" })')).ids).toEqual([]);
    expect((await list('(filter: { query: "bob_" })')).ids).toEqual([bobs.id]);
    expect((await list('(filter: { query: "中" })')).ids).toEqual([]);
  });

  it('are paged without gaps or repetitions, and counted', async () => {
    const seen: string[] = [];
    for (let after = ''; ; ) {
      const page = await list(`(first: 2, sortKey: TOTAL${after})`);
      seen.push(...page.ids);
      expect(page.totalCount).toEqual({ count: 6, precision: 'EXACT' });
      if (!page.pageInfo.hasNextPage) break;
      after = `, after: "${page.pageInfo.endCursor}"`;
    }
    expect(new Set(seen).size).toBe(6);
    expect(seen).toHaveLength(6);
  });

  it('refuse what no list can be', async () => {
    const wrong = ['first: 101', 'first: 1, last: 1', 'after: "x"', 'filter: { status: [CANCELED, CANCELED] }'];
    for (const args of [...wrong, `filter: { userId: "${idOf(0)}" }`, `filter: { query: "${'x'.repeat(300)}" }`]) {
      expect((await list(`(${args})`)).errors[0]?.extensions['code']).toBe('BAD_USER_INPUT');
    }
  });
});

describe('User.orders', () => {
  const query = `query ($representations: [_Any!]!) {
    _entities(representations: $representations) { ... on User { id orders(status: [AWAITING_PAYMENT]) { nodes { id } } } }
  }`;
  const users = (...ids: string[]) => ({ representations: ids.map((id) => ({ __typename: 'User', id })) });

  it('are the user’s own, newest first; null for others, unless they may read all', async () => {
    const mine = { id: ann, orders: { nodes: [4, 3, 2, 1].map((index) => ({ id: idOf(index) })) } };
    expect((await service.ask(ann, query, users(ann, bob))).data._entities).toEqual([mine, { id: bob, orders: null }]);
    const all = [mine, { id: bob, orders: { nodes: [{ id: bobs.id }] } }];
    expect((await service.ask(bob, query, users(ann, bob), 'order:read')).data._entities).toEqual(all);
  });

  it('of many users cost one statement', async () => {
    const many = users(ann, bob, ...Array.from({ length: 48 }, () => newId('User')));
    expect(await countStatements(() => service.ask(bob, query, many, 'order:read'))).toBe(1);
  });
});

it('reads a page of orders with everything in them in as many statements as one order', async () => {
  const page = (first: number) => `{ orders(first: ${first}) { nodes { ${ORDER_FIELDS} } } }`;
  expect(await countStatements(() => service.ask(bob, page(1), {}, 'order:read'))).toBe(3);
  expect(await countStatements(() => service.ask(bob, page(6), {}, 'order:read'))).toBe(3);
});
