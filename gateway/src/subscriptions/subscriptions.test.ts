import { get, type IncomingMessage, request } from 'node:http';
import { testRedisUrl } from '@souk/dev/test-database';
import { CHANGES_CHANNEL } from '@souk/platform/changes';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { Redis } from 'ioredis';
import { register } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { openTestGateway, type TestGateway } from '../../test/test-gateway.ts';

/** Many clients, slow ones and rude ones, at a gateway without a shop behind it. */

const orderId = 'ordr_01m7z23be3fk5aggz7ga87z1ze';
const query = `subscription Secret { orderUpdated(orderId: "${orderId}") { note } }`;
const lines: Record<string, unknown>[] = [];
const logger = createLogger('gateway', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
const ann: Viewer = { userId: 'user_ann', sessionId: 'sess_1', roles: ['CUSTOMER'], scopes: new Set() };
const soon = { timeout: 10_000, interval: 20 };

let gateway: TestGateway;
let url: string;
let redis: Redis;
let viewer: Viewer | SoukError;
const answer: { data: { orderUpdated: { note: string } | null } } = { data: { orderUpdated: null } };

beforeAll(async () => {
  const redisUrl = await testRedisUrl();
  redis = new Redis(redisUrl);
  gateway = await openTestGateway({
    redisUrl,
    answer,
    logger,
    isProduction: true,
    origins: { mayRead: (origin) => origin === 'https://shop.example', mayKeepToken: () => false },
    subscriptionLimits: { connections: 1_100, connectionsPerAddress: 1_100, connectionsPerUser: 1_100 },
    async authenticate() {
      if (viewer instanceof SoukError) throw viewer;
      return viewer;
    },
  });
  url = await gateway.listen();
});
beforeEach(() => {
  viewer = ann;
  answer.data.orderUpdated = { note: 'first' };
  lines.length = 0;
});
const opened: { destroy(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) each.destroy();
  // So that what is told of one is told before the next begins.
  const open = async () => (await register.getSingleMetric('souk_subscriptions')?.get())?.values ?? [];
  await vi.waitFor(async () => expect((await open()).every(({ value }) => value === 0)).toBe(true), soon);
});
afterAll(async () => {
  await gateway?.close();
  await redis?.quit();
});

/** Changes the order, and says so. */
async function change(note: string): Promise<void> {
  answer.data.orderUpdated = { note };
  await redis.publish(CHANGES_CHANNEL, JSON.stringify({ id: orderId, trace: {} }));
}

/** A stream of events that is read only when the test does. */
function subscribe(): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const asked = request(url, { method: 'POST', headers, agent: false }, (response) => {
    opened.push(response);
    response.on('error', () => {});
    resolve(response);
  });
  asked.on('error', reject);
  asked.end(JSON.stringify({ query }));
  return promise;
}

/** Everything that came until now, and from now on. */
function read(stream: IncomingMessage): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

describe('a thousand who listen', () => {
  it('all see a change, while others are answered, and are let go when they may not go on', async () => {
    const streams: IncomingMessage[] = [];
    for (let next = 0; next < 1_000; next += 50) {
      streams.push(...(await Promise.all(Array.from({ length: 50 }, subscribe))));
    }
    const texts = streams.map(read);
    await vi.waitFor(() => expect(texts.every((text) => text().includes('first'))).toBe(true), soon);
    await change('second');
    const innocent = await gateway.post({ query: '{ __typename }' });
    expect(innocent.data).toEqual({ __typename: 'Query' });
    await vi.waitFor(() => expect(texts.every((text) => text().includes('second'))).toBe(true), soon);
    viewer = new SoukError('UNAUTHENTICATED', 'Signed out.');
    await vi.waitFor(
      () => expect(texts.every((text) => text().endsWith('event: complete\ndata:\n\n'))).toBe(true),
      soon,
    );
    expect(texts.every((text) => text().includes('"code":"UNAUTHENTICATED"'))).toBe(true);
    await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'subscription')).toHaveLength(1_000), soon);
  }, 60_000);
});

describe('one who does not read', () => {
  const large = (name: string) => `${name} ${'x'.repeat(4_000_000)}`;

  it('has one result on its way and no other made for it, and then sees the newest', async () => {
    answer.data.orderUpdated = { note: large('first') };
    const stream = await subscribe();
    const before = gateway.sent.length;
    for (let version = 0; version < 20; version++) {
      await change(large(`version ${version}`));
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(gateway.sent.length - before).toBeLessThan(5);
    const text = read(stream);
    await vi.waitFor(() => expect(text()).toContain('version 19'), soon);
    expect(text().match(/event: next/g)?.length).toBeLessThan(6);
  });
});

describe('a subscription is told of once', () => {
  it('when it is over, with how it ended and how many results it had', async () => {
    const stream = await subscribe();
    const text = read(stream);
    await vi.waitFor(() => expect(text()).toContain('first'), soon);
    stream.destroy();
    await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'subscription')).toHaveLength(1), soon);
    expect(lines.find(({ msg }) => msg === 'subscription')).toMatchObject({
      endpoint: '/graphql',
      transport: 'sse',
      operationKind: 'subscription',
      viewer: 'customer',
      end: 'left',
      results: 1,
      subgraphRequests: 0,
    });
    expect(lines.filter(({ msg }) => msg === 'request')).toEqual([]);
    expect(JSON.stringify(lines)).not.toContain('Secret');
    expect(JSON.stringify(lines)).not.toContain(orderId);
  });
});

describe('a WebSocket', () => {
  function connect(headers: Record<string, string> = {}, protocol = 'graphql-transport-ws') {
    const socket = new WebSocket(url.replace('http', 'ws'), protocol, { headers });
    opened.push({ destroy: () => socket.terminate() });
    const messages: { type: string; payload?: unknown }[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data))));
    socket.on('error', () => {});
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    const begun = new Promise<void>((resolve) => socket.once('open', () => resolve()));
    const say = (message: object) => socket.send(JSON.stringify(message));
    return { socket, messages, closed, begun, say };
  }

  async function acknowledged(headers: Record<string, string> = {}) {
    const connection = connect(headers);
    await connection.begun;
    connection.say({ type: 'connection_init' });
    await vi.waitFor(() => expect(connection.messages).toMatchObject([{ type: 'connection_ack' }]), soon);
    return connection;
  }

  it('of a page that may read answers is opened, and of another is not', async () => {
    await acknowledged({ origin: 'https://shop.example' });
    const refused = connect({ origin: 'https://evil.example' });
    const response = await new Promise<IncomingMessage>((resolve) =>
      refused.socket.once('unexpected-response', (_, told) => resolve(told)),
    );
    expect(response.statusCode).toBe(403);
  });

  it.each<[string, number, (connection: ReturnType<typeof connect>) => void]>([
    ['speaks before it says who it is', 4401, ({ say }) => say({ id: '1', type: 'subscribe', payload: { query } })],
    ['says nothing', 4408, () => {}],
    ['sends what is no message', 4400, ({ socket }) => socket.send('{')],
    ['sends too much', 1009, ({ socket }) => socket.send('x'.repeat(300_000))],
    [
      'says twice who it is',
      4429,
      ({ say }) => {
        say({ type: 'connection_init' });
        say({ type: 'connection_init' });
      },
    ],
  ])('that %s is closed with %i', async (_, code, misbehave) => {
    const connection = connect();
    await connection.begun;
    misbehave(connection);
    expect(await connection.closed).toBe(code);
  });

  it('that speaks another protocol is closed', async () => {
    const connection = connect({}, 'graphql-ws');
    await Promise.race([connection.begun, connection.closed]);
    expect(await connection.closed).toBeGreaterThan(1_000);
  });

  it('says who it is wrongly, and is sent away', async () => {
    viewer = new SoukError('UNAUTHENTICATED', 'No.');
    const connection = connect();
    await connection.begun;
    connection.say({ type: 'connection_init', payload: { authorization: 'Bearer nonsense' } });
    expect(await connection.closed).toBe(4403);
  });

  it('that completes a subscription is told no more of it, and of the others all the same', async () => {
    const { say, messages } = await acknowledged();
    say({ id: 'a', type: 'subscribe', payload: { query } });
    say({ id: 'b', type: 'subscribe', payload: { query } });
    const of = (id: string) => messages.filter((message) => 'id' in message && message.id === id);
    await vi.waitFor(() => expect([of('a').length, of('b').length]).toEqual([1, 1]), soon);
    say({ id: 'a', type: 'complete' });
    await vi.waitFor(
      () => expect(lines).toContainEqual(expect.objectContaining({ msg: 'subscription', end: 'left' })),
      soon,
    );
    await change('second');
    await vi.waitFor(() => expect(of('b')).toHaveLength(2), soon);
    expect(of('a')).toHaveLength(1);
  });
});

it('a page of the explorer still opens where a WebSocket would', async () => {
  const response = await new Promise<IncomingMessage>((resolve) =>
    get(url, { headers: { accept: 'text/html' }, agent: false }, resolve),
  );
  response.resume();
  expect([response.statusCode, response.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
});
