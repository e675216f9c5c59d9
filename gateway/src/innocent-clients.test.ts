import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { testRedisUrl } from '@souk/dev/test-database';
import { CHANGES_CHANNEL } from '@souk/platform/changes';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { answerWith } from '../../platform/test/fake-subgraph.ts';
import { type GatewayProcess, startGatewayProcess } from '../test/gateway-process.ts';

/** Whatever becomes of some, the others are answered: all that innocent clients ask, while something goes wrong beside them. */

const ORDER = 'query Order($id: ID!) { order(id: $id) { number } }';
const order = { data: { order: { number: '7' } } };
const working = answerWith(order);
const soon = { timeout: 10_000, interval: 20 };
const patiently = { timeout: 40_000, interval: 100 };
let gateway: GatewayProcess;
let redis: Redis;
let stopInnocents: (() => Promise<string[]>) | undefined;

beforeAll(async () => {
  const redisUrl = await testRedisUrl();
  redis = new Redis(redisUrl);
  gateway = await startGatewayProcess(redisUrl, {
    SUBSCRIPTION_LIMITS: JSON.stringify({
      connections: 1_000,
      connectionsPerAddress: 1_000,
      connectionsPerUser: 1_000,
    }),
  });
});
beforeEach(async () => {
  gateway.orders.behave(working);
  await vi.waitFor(async () => expect((await gateway.ask(ORDER, { id: 'again' })).data).toEqual(order.data), patiently);
});
afterEach(() => stopInnocents?.());
afterAll(async () => {
  await gateway?.close();
  await redis?.quit();
});

/** Does what goes wrong beside clients that ask for something else. */
async function besideInnocents(trouble: () => Promise<void>): Promise<void> {
  stopInnocents = gateway.innocents();
  await trouble();
  const outcomes = await stopInnocents();
  expect(new Set(outcomes)).toEqual(new Set(['answered']));
  expect(outcomes.length).toBeGreaterThan(3);
}

/** Has the subgraph answer only when it is told to. */
function hold() {
  const held: { response: ServerResponse; answer: () => void }[] = [];
  let most = 0;
  const underWay = () => held.filter(({ response }) => !response.destroyed && !response.writableEnded).length;
  gateway.orders.behave((request, response) => {
    held.push({ response, answer: () => working(request, response) });
    most = Math.max(most, underWay());
  });
  return {
    begun: () => held.length,
    underWay,
    most: () => most,
    answerAll() {
      for (const { answer } of held) answer();
    },
  };
}

describe('a paused subgraph', () => {
  it('holds no more requests than its bulkhead lets through, and no place of others, and is used again when it goes on', async () => {
    const held = hold();
    await besideInnocents(async () => {
      const asked: Promise<{ status: number; codes: string[] }>[] = [];
      // More than there are places for, but not all at once: that would be a rush.
      for (let place = 0; place < 300; place++) {
        asked.push(gateway.ask(ORDER, { id: `paused-${place}` }));
        await delay(4);
      }
      for (const { status, codes } of await Promise.all(asked)) {
        expect(status).toBe(200);
        expect(['SUBGRAPH_TIMEOUT', 'SUBGRAPH_UNAVAILABLE']).toContain(codes[0]);
      }
    });
    expect(held.most()).toBeLessThanOrEqual(64);
  }, 60_000);
});

describe('clients that hang up', () => {
  it('take their requests to subgraphs with them', async () => {
    const held = hold();
    await besideInnocents(async () => {
      const clients = Array.from({ length: 30 }, () => new AbortController());
      const asked = clients.map(({ signal }, place) => gateway.ask(ORDER, { id: `alone-${place}` }, signal));
      await vi.waitFor(() => expect(held.underWay()).toBe(30), soon);
      for (const client of clients) client.abort();
      await Promise.allSettled(asked);
      await vi.waitFor(() => expect(held.underWay()).toBe(0), soon);
    });
  });

  it('leave the answer to others who asked the same, the first as well as the last of them', async () => {
    const held = hold();
    await besideInnocents(async () => {
      const shared = async () =>
        (await gateway.metric('souk_operations_shared_total', 'endpoint="/graphql"')) +
        (await gateway.metric('souk_subgraph_requests_shared_total', 'subgraph="order"'));
      const sharedBefore = await shared();
      const clients = Array.from({ length: 20 }, () => new AbortController());
      const asked = clients.map(({ signal }) => gateway.ask(ORDER, { id: 'shared' }, signal));
      await vi.waitFor(async () => expect(held.begun() + (await shared()) - sharedBefore).toBe(20), soon);
      // Fewer than ask, because they share: which of them began one, nobody can tell from here.
      const begun = held.begun();
      expect(begun).toBeLessThan(20);
      for (const client of clients.slice(0, 10)) client.abort();
      await Promise.allSettled(asked.slice(0, 10));
      held.answerAll();
      for (const { data } of await Promise.all(asked.slice(10))) expect(data).toEqual(order.data);
    });
  });
});

describe('large answers', () => {
  const orderOf = (megabytes: number) =>
    answerWith({ data: { order: { number: 'x'.repeat(megabytes * 1024 * 1024) } } });

  it('are delivered whole up to the limit, and lost beyond it with a code, beside small ones', async () => {
    await besideInnocents(async () => {
      gateway.orders.behave(orderOf(3.9));
      for (const { codes, bytes } of await askAtOnce('large', 4)) {
        expect(codes).toEqual([]);
        expect(bytes).toBeGreaterThan(3.9 * 1024 * 1024);
      }
      gateway.orders.behave(orderOf(4.1));
      for (const { status, data, codes } of await askAtOnce('too-large', 4)) {
        expect({ status, data, codes }).toEqual({
          status: 200,
          data: { order: null },
          codes: ['SUBGRAPH_UNAVAILABLE'],
        });
      }
    });
  });

  const askAtOnce = (name: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, place) => gateway.ask(ORDER, { id: `${name}-${place}` })));
});

describe('a thousand subscribers who do not read', () => {
  const orderId = 'ordr_01m7z23be3fk5aggz7ga87z1ze';
  const query = `subscription { orderUpdated(orderId: "${orderId}") { number } }`;
  const RESULT_BYTES = 64 * 1024;
  const CHANGES = 10;
  const AT_ONCE = 20;
  /** Half a megabyte for each: its connection, and the one result that is kept for it, a few times over until the garbage is collected. */
  const MAX_GROWTH_BYTES = 1_000 * 512 * 1024;

  const say = (version: number) => {
    const made = { number: `${version} `.padEnd(RESULT_BYTES, 'x') };
    gateway.orders.behave(answerWith({ data: { order: made, orderUpdated: made } }));
  };
  const resident = () => gateway.metric('process_resident_memory_bytes');

  it('have one result each kept for them, while others are answered', async () => {
    say(0);
    await vi.waitFor(async () => expect((await gateway.ask(ORDER, { id: 'ready' })).codes).toEqual([]), soon);
    const connections: { destroy(): unknown }[] = [];
    try {
      await besideInnocents(async () => {
        const before = await resident();
        for (let place = 0; place < 1_000; place += AT_ONCE) {
          const more = Array.from({ length: AT_ONCE }, (_, at) => (at % 2 === 0 ? openStream() : openSocket()));
          connections.push(...(await Promise.all(more)));
        }
        expect(connections).toHaveLength(1_000);
        for (let version = 1; version <= CHANGES; version++) {
          say(version);
          await redis.publish(CHANGES_CHANNEL, JSON.stringify({ id: orderId, trace: {} }));
          await delay(200);
        }
        const results = () => gateway.metric('souk_subscription_results_total');
        await vi.waitFor(async () => expect(await results()).toBeGreaterThan(1_200), patiently);
        await vi.waitFor(
          async () => expect(await gateway.metric('souk_subscription_looks_waiting')).toBe(0),
          patiently,
        );
        expect((await resident()) - before).toBeLessThan(MAX_GROWTH_BYTES);
      });
    } finally {
      for (const connection of connections) connection.destroy();
    }
  }, 120_000);

  function openStream(): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const headers = { ...gateway.headers, accept: 'text/event-stream' };
    const asked = request(gateway.url, { method: 'POST', headers, agent: false }, (response) => {
      response.on('error', () => {});
      if (response.statusCode === 200) resolve(response);
      else reject(new Error(`Expected a stream, got ${response.statusCode}.`));
    });
    asked.on('error', reject);
    asked.end(JSON.stringify({ query }));
    return promise;
  }

  async function openSocket(): Promise<{ destroy(): void }> {
    const socket = new WebSocket(gateway.url.replace('http', 'ws'), 'graphql-transport-ws');
    socket.on('error', () => {});
    await once(socket, 'open');
    socket.send(
      JSON.stringify({ type: 'connection_init', payload: { authorization: gateway.headers['authorization'] } }),
    );
    await once(socket, 'message');
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
    await once(socket, 'message');
    socket.pause();
    return { destroy: () => socket.terminate() };
  }
});
