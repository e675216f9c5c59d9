import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { testRedisUrl } from '@souk/dev/test-database';
import { createLogger } from '@souk/platform/logger';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { openTestGateway, type TestGateway } from '../../test/test-gateway.ts';
import type { SubscriptionPeriods } from './subscription-periods.ts';

/** Clients that do not do their part: they are waited for, but not for ever. */

const query = 'subscription { orderUpdated(orderId: "ordr_01m7z23be3fk5aggz7ga87z1ze") { note } }';
const lines: Record<string, unknown>[] = [];
const logger = createLogger('gateway', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
/** More than what is on its way between two processes of a machine. */
const large = 'x'.repeat(12_000_000);
/** Nobody has to wait for one of these. */
const never = 600_000;
const soon = { timeout: 30_000, interval: 20 };
const cleanUp: (() => unknown)[] = [];
let note: string;
let gateway: TestGateway;
let url: URL;

beforeEach(() => {
  lines.length = 0;
  note = 'first';
});
afterEach(async () => {
  for (const clean of cleanUp.splice(0)) await clean();
});

async function open(subscriptionPeriods: Partial<SubscriptionPeriods>): Promise<void> {
  gateway = await openTestGateway({
    redisUrl: await testRedisUrl(),
    answer: () => ({ data: { orderUpdated: { note } } }),
    logger,
    subscriptionPeriods: { pingEveryMs: never, stalledAfterMs: never, goodbyeMs: never, ...subscriptionPeriods },
  });
  url = new URL(await gateway.listen());
  cleanUp.push(gateway.close);
}

/** A stream of events that is not read until the test does. */
async function stream(): Promise<IncomingMessage> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
  const asked = request(url, { method: 'POST', headers, agent: false }).end(JSON.stringify({ query }));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  cleanUp.unshift(() => response.destroy());
  return response;
}

/** A client that reads and never hangs up by itself. */
async function holding(): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), allowHalfOpen: true });
  cleanUp.unshift(() => socket.destroy());
  const body = JSON.stringify({ query });
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: ${url.host}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await once(socket, 'data');
  return socket.on('error', () => {}).resume();
}

async function connection(options: { autoPong: boolean }): Promise<{ socket: WebSocket; closed: Promise<number> }> {
  const socket = new WebSocket(String(url).replace('http', 'ws'), 'graphql-transport-ws', options);
  cleanUp.unshift(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return { socket, closed };
}

async function subscribed(options: { autoPong: boolean }): Promise<WebSocket> {
  const { socket } = await connection(options);
  socket.send(JSON.stringify({ type: 'connection_init' }));
  await once(socket, 'message');
  socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }));
  await once(socket, 'message');
  return socket;
}

const ends = () => lines.filter(({ msg }) => msg === 'subscription').map(({ end }) => end);

describe('a client is cut off', { timeout: 60_000 }, () => {
  it('when it has not read a result for its time', async () => {
    await open({ stalledAfterMs: 200 });
    note = large;
    const response = await stream();
    await vi.waitFor(() => expect(ends()).toEqual(['stalled']), soon);
    const closed = new Promise((resolve) => response.once('close', resolve));
    response.resume();
    await closed;
    expect(response.complete).toBe(false);
  });

  it('when it does not answer a ping, and not when it does', async () => {
    await open({ pingEveryMs: 500 });
    const polite = await subscribed({ autoPong: true });
    let pings = 0;
    polite.on('ping', () => pings++);
    const { closed } = await connection({ autoPong: false });
    expect(await closed).toBe(1006);
    expect(pings).toBeGreaterThan(0);
    expect(polite.readyState).toBe(WebSocket.OPEN);
  });
});

describe('a gateway that stops', { timeout: 60_000 }, () => {
  it('sends everybody elsewhere and is closed when they have gone', async () => {
    await open({});
    const response = await stream();
    let text = '';
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    const socket = await subscribed({ autoPong: true });
    const [codes] = await Promise.all([once(socket, 'close'), once(response, 'end'), gateway.close()]);
    cleanUp.pop();
    expect(codes[0]).toBe(1001);
    expect(text).toMatch(/retry: \d+\n\n$/);
    expect(text).not.toContain('complete');
    expect(ends().sort()).toEqual(['leaving', 'leaving']);
  });

  it('does not wait for those who do not go', async () => {
    await open({ goodbyeMs: 200 });
    note = large;
    await stream();
    note = 'small';
    await holding();
    const socket = await subscribed({ autoPong: true });
    // It does not answer that it closes.
    socket.pause();
    await gateway.close();
    cleanUp.pop();
    expect(ends().sort()).toEqual(['leaving', 'leaving', 'leaving']);
  });
});
