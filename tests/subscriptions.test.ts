import { createClient as createEventClient } from 'graphql-sse';
import { createClient as createSocketClient, type Client as SocketClient } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../platform/test/tcp-proxy.ts';
import { ask, type Client, newCustomer, type Person, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import type { OrderStatus } from './generated/graphql.ts';
import { FOLLOW, follow, type LiveResult, type Stream } from './live.ts';
import { createProduct, orderState, pay, placedOrder, refund } from './shopping.ts';
import { type SecondGateway, startSecondGateway } from './two-gateways.ts';

/** Orders followed while they are paid, packed and sent, by the clients that people use and by one that sees every byte. */

const { gatewayUrl, adminUrl, redisUrl, metricsUrls } = inject('shop');
let admin: Person;
let clerk: Person;
let customer: Person;
let variantId: string;
beforeAll(async () => {
  [admin, clerk] = [await staff(adminUrl, 'ADMIN'), await staff(adminUrl, 'ORDER_MANAGER')];
  variantId = (await createProduct(admin, [1_000])).variantIds[0] ?? '';
  customer = await newCustomer(gatewayUrl);
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const newOrder = (of: Person = customer) => placedOrder(of, [{ variantId, quantity: 1 }]);
const soon = { timeout: 20_000, interval: 20 };

async function followed(...options: Parameters<typeof follow>): Promise<Stream> {
  const stream = await follow(...options);
  closers.push(stream.close);
  return stream;
}

const statuses = ({ results }: { results: LiveResult[] }) => [
  ...new Set(results.map(({ data }) => data?.orderUpdated?.['status'])),
];

const OrderMove = graphql(`
  mutation OrderMove($input: OrderTransitionInput!) {
    orderTransition(input: $input) { order { status } userErrors { code message } }
  }
`);

async function move(orderId: string, to: OrderStatus): Promise<void> {
  const { version } = await orderState(clerk, orderId);
  const { orderTransition } = await ask(clerk, OrderMove, { input: { orderId, to, expectedVersion: version } });
  expect(orderTransition?.userErrors).toEqual([]);
}

/** A WebSocket as graphql-ws holds it, and what came by it. */
function openSocket({ url, accessToken }: Client): SocketClient {
  const socket = createSocketClient({
    url: url.replace('http', 'ws'),
    connectionParams: accessToken ? { authorization: `Bearer ${accessToken}` } : {},
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: () => {},
  });
  closers.push(() => socket.dispose());
  return socket;
}

interface Followed {
  results: LiveResult[];
  /** Of the subscription: nothing while it goes on. */
  ends: unknown[];
  leave(): void;
}

function overSocket(socket: SocketClient, orderId: string, extensions: Record<string, unknown> = {}): Followed {
  const followed: Followed = { results: [], ends: [], leave: () => {} };
  followed.leave = socket.subscribe(
    { query: FOLLOW, variables: { id: orderId }, extensions },
    {
      next: (result) => void followed.results.push(result as unknown as LiveResult),
      error: (error) => void followed.ends.push(error),
      complete: () => void followed.ends.push('complete'),
    },
  );
  return followed;
}

describe('a customer who follows an order', () => {
  it('sees by server-sent events how it stands, that it is paid, packed and sent, and that money goes back', async () => {
    const { id } = await newOrder();
    const stream = await followed(customer, id);
    expect(stream.status).toBe(200);
    expect(stream.headers.get('cache-control')).toContain('no-store');
    await stream.untilStatus('AWAITING_PAYMENT');
    const { payment } = await pay(customer, id);
    await stream.untilStatus('CONFIRMED');
    await move(id, 'PROCESSING');
    await stream.untilStatus('PROCESSING');
    await move(id, 'SHIPPED');
    await stream.untilStatus('SHIPPED');
    await refund(admin, payment?.id ?? '', '1.00');
    await vi.waitFor(
      () => expect(stream.results.at(-1)?.data?.orderUpdated).toMatchObject({ paymentStatus: 'PARTIALLY_REFUNDED' }),
      soon,
    );
    expect(statuses(stream)).toEqual(['AWAITING_PAYMENT', 'CONFIRMED', 'PROCESSING', 'SHIPPED']);
    const states = stream.results.map(({ data }) => JSON.stringify(data));
    expect(states.filter((state, index) => state === states[index - 1])).toEqual([]);
    expect(stream.end()).toBeUndefined();
  });

  it('sees the same by WebSocket, several orders on one', async () => {
    const socket = openSocket(customer);
    const orders = [await newOrder(), await newOrder()];
    const follows = orders.map(({ id }) => overSocket(socket, id));
    for (const { id } of orders) await pay(customer, id);
    for (const { results } of follows) {
      await vi.waitFor(() => expect(results.at(-1)?.data?.orderUpdated).toMatchObject({ status: 'CONFIRMED' }), soon);
    }
    const [first] = follows;
    first?.leave();
    await vi.waitFor(() => expect(first?.ends).toEqual(['complete']));
    await move(orders[0]?.id ?? '', 'PROCESSING');
    await move(orders[1]?.id ?? '', 'PROCESSING');
    await vi.waitFor(
      () => expect(follows[1]?.results.at(-1)?.data?.orderUpdated).toMatchObject({ status: 'PROCESSING' }),
      soon,
    );
    expect(first?.results.at(-1)?.data?.orderUpdated).toMatchObject({ status: 'CONFIRMED' });
  });

  it('can use graphql-sse', async () => {
    const { id } = await newOrder();
    const client = createEventClient({
      url: gatewayUrl,
      headers: { authorization: `Bearer ${customer.accessToken}` },
      retryAttempts: 0,
    });
    closers.push(() => client.dispose());
    const seen: unknown[] = [];
    await pay(customer, id);
    for await (const { data } of client.iterate<{ orderUpdated: { status: string } }>({
      query: FOLLOW,
      variables: { id },
    })) {
      seen.push(data?.orderUpdated.status);
      if (data?.orderUpdated.status === 'CONFIRMED') break;
    }
    expect(seen.at(-1)).toBe('CONFIRMED');
  });
});

it('staff follow any order at their endpoint, with what only they see', async () => {
  const { id } = await newOrder();
  const query =
    'subscription ($id: ID!) { changed: orderUpdated(orderId: $id) { status staffNote customer { displayName } } }';
  const stream = await followed(clerk, id, { query });
  await vi.waitFor(
    () => expect(stream.results).toMatchObject([{ data: { changed: { customer: { displayName: 'Customer' } } } }]),
    soon,
  );
});

describe('who may not', () => {
  const over = (stream: Stream) => vi.waitFor(() => expect(stream.end()).toBe('complete'), soon);

  it.each<[string, () => Promise<Client>, string]>([
    ['another customer', () => newCustomer(gatewayUrl), 'BAD_USER_INPUT'],
    ['nobody in particular', async () => ({ url: gatewayUrl }), 'UNAUTHENTICATED'],
  ])('%s is refused over both', async (_, who, code) => {
    const [client, { id }] = [await who(), await newOrder()];
    const stream = await followed(client, id);
    await over(stream);
    expect(stream.results).toMatchObject([{ errors: [{ extensions: { code, requestId: expect.any(String) } }] }]);
    expect(stream.results[0]?.data?.orderUpdated ?? null).toBeNull();
    const { results, ends } = overSocket(openSocket(client), id);
    await vi.waitFor(() => expect(ends).toMatchObject([[{ extensions: { code } }]]), soon);
    expect(results).toEqual([]);
  });

  it('who signs out is let go within moments, over both, and sees nothing of what happens after', async () => {
    const person = await newCustomer(gatewayUrl);
    const { id } = await newOrder(person);
    const stream = await followed(person, id);
    const socket = openSocket(person);
    const codes: number[] = [];
    socket.on('closed', (event) => codes.push((event as CloseEvent).code));
    const { results } = overSocket(socket, id);
    await stream.untilStatus('AWAITING_PAYMENT');
    await vi.waitFor(() => expect(results).toHaveLength(1), soon);
    await ask(person, graphql(`mutation SignOutOfAll { signOut { signedOutSessionIds } }`));
    await over(stream);
    expect(stream.results.at(-1)).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    await vi.waitFor(() => expect(codes).toEqual([4403]), soon);
    expect(results).toHaveLength(1);
  });

  it.each([
    [
      'a field there is not',
      'subscription ($id: ID!) { orderUpdated(orderId: $id) { secret } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'two at once',
      'subscription ($id: ID!) { a: orderUpdated(orderId: $id) { id } b: orderUpdated(orderId: $id) { id } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    [
      'what is nested too deeply',
      `subscription ($id: ID!) { orderUpdated(orderId: $id) ${'{ customer { orders { nodes '.repeat(5)} { id } ${'} } }'.repeat(5)} }`,
      'OPERATION_LIMIT_EXCEEDED',
    ],
  ])('%s is refused', async (_, query, code) => {
    const { id } = await newOrder();
    const stream = await followed(customer, id, { query });
    await vi.waitFor(() => expect(stream.results).toMatchObject([{ errors: [{ extensions: { code } }] }]), soon);
    expect(JSON.stringify(stream.results)).not.toContain('Did you mean');
  });

  it('what is no subscription is not run over a WebSocket, and a subscription not answered with JSON', async () => {
    const { id } = await newOrder();
    const ends: unknown[] = [];
    openSocket(customer).subscribe(
      { query: '{ viewer { id } }' },
      { next: () => ends.push('next'), error: (error) => ends.push(error), complete: () => ends.push('complete') },
    );
    await vi.waitFor(() => expect(ends).toMatchObject([[{ extensions: { code: 'BAD_USER_INPUT' } }]]), soon);
    const stream = await followed(customer, id, { headers: { accept: 'application/json' } });
    expect(stream.status).toBe(406);
    await vi.waitFor(() =>
      expect(stream.results).toMatchObject([{ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] }]),
    );
  });
});

describe('a client that comes back', () => {
  it('is not sent again what it has, and at once what it has missed', async () => {
    const { id } = await newOrder();
    const first = await followed(customer, id);
    await first.untilStatus('AWAITING_PAYMENT');
    const lastEventId = first.lastEventId();
    expect(first.results.at(-1)?.extensions?.eventId).toBe(lastEventId);
    first.close();

    const second = await followed(customer, id, { lastEventId });
    const socket = overSocket(openSocket(customer), id, { lastEventId });
    await pay(customer, id);
    await second.untilStatus('CONFIRMED');
    expect(second.results.map(({ extensions }) => extensions?.eventId)).not.toContain(lastEventId);
    await vi.waitFor(() => expect(socket.results.at(-1)?.extensions?.eventId).toBe(second.lastEventId()), soon);
    expect(socket.results.map(({ extensions }) => extensions?.eventId)).not.toContain(lastEventId);
    second.close();

    await move(id, 'PROCESSING');
    const third = await followed(customer, id, { lastEventId: second.lastEventId() });
    await third.untilStatus('PROCESSING');
    expect(third.results).toHaveLength(1);
  });

  it('goes on at another gateway when its own is killed', async () => {
    const second = await startSecondGateway();
    closers.push(() => second.child.kill());
    const { id } = await newOrder();
    const there = await followed({ ...customer, url: second.gatewayUrl }, id);
    await there.untilStatus('AWAITING_PAYMENT');
    second.child.kill();
    await vi.waitFor(() => expect(there.end()).toBe('cut'), soon);
    const here = await followed(customer, id, { lastEventId: there.lastEventId() });
    await pay(customer, id);
    await here.untilStatus('CONFIRMED');
    expect(here.results.map(({ extensions }) => extensions?.eventId)).not.toContain(there.lastEventId());
  });
});

describe('a gateway beside the first', () => {
  let proxy: TcpProxy;
  let second: SecondGateway;
  let at: Person;
  beforeAll(async () => {
    const direct = new URL(redisUrl);
    proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
    direct.port = String(proxy.port);
    second = await startSecondGateway({
      REDIS_URL: direct.href,
      SUBSCRIPTION_LIMITS: '{"connectionsPerUser":2,"connectionsPerAddress":3}',
    });
    at = { ...customer, url: second.gatewayUrl };
  });
  afterAll(async () => {
    second?.child.kill();
    await proxy?.close();
  });

  /** Those of the test before may take a moment to be gone. */
  const letIn = (id: string) =>
    vi.waitFor(async () => {
      const stream = await followed(at, id);
      expect(stream.status).toBe(200);
      return stream;
    }, soon);

  it('holds users and addresses to its limits of connections', async () => {
    const { id } = await newOrder();
    const first = await followed(at, id);
    await followed(at, id);
    const third = await followed(at, id);
    expect([third.status, third.headers.get('retry-after')]).toEqual([429, '5']);
    const [other, another] = [await newCustomer(gatewayUrl), await newCustomer(gatewayUrl)];
    expect((await followed({ ...other, url: at.url }, (await newOrder(other)).id)).status).toBe(200);
    expect((await followed({ ...another, url: at.url }, id)).status).toBe(429);
    first.close();
    await vi.waitFor(async () => expect((await followed(at, id)).status).toBe(200), soon);
  });

  it('shows what happens while it cannot reach Redis all the same, and at once again when it can', async () => {
    const { id } = await newOrder();
    const stream = await letIn(id);
    await stream.untilStatus('AWAITING_PAYMENT');
    await proxy.cut();
    await pay(customer, id);
    await stream.untilStatus('CONFIRMED');
    await move(id, 'PROCESSING');
    await proxy.heal();
    await stream.untilStatus('PROCESSING');
    await move(id, 'SHIPPED');
    await stream.untilStatus('SHIPPED');
  });

  it('that stops tells its clients in time, in a way that has them come back', async () => {
    const { id } = await newOrder();
    const stream = await letIn(id);
    const socket = openSocket(at);
    const codes: number[] = [];
    socket.on('closed', (event) => codes.push((event as CloseEvent).code));
    const { results, ends } = overSocket(socket, id);
    await vi.waitFor(() => expect(results).toHaveLength(1), soon);
    await stream.untilStatus('AWAITING_PAYMENT');
    const stopped = second.child.stop();
    // Without `complete`, which would say that there is no more.
    await vi.waitFor(() => expect(stream.end()).toBe('cut'), soon);
    await vi.waitFor(() => expect(codes).toEqual([1001]), soon);
    expect(ends).not.toContain('complete');
    await stopped;
  });
});

it('the gateway tells of subscriptions in metrics while they last, and after', async () => {
  const open = async () => {
    const text = await (await fetch(metricsUrls['gateway'] ?? '')).text();
    return /^souk_subscriptions\{endpoint="\/graphql",transport="sse"\} (\d+)$/m.exec(text)?.[1] ?? '0';
  };
  await vi.waitFor(async () => expect(await open()).toBe('0'), soon);
  const { id } = await newOrder();
  const streams = await Promise.all([1, 2, 3].map(() => followed(customer, id)));
  expect(await open()).toBe('3');
  for (const stream of streams) stream.close();
  await vi.waitFor(async () => expect(await open()).toBe('0'), soon);
});
