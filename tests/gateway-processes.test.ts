import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newCustomer } from './client.ts';
import { counter } from './counters.ts';
import { type SecondGateway, startSecondGateway } from './two-gateways.ts';

/** A gateway of two processes behind one port. How they are kept is tested beside gateway/src/processes. */
let gateway: SecondGateway;

beforeAll(async () => {
  gateway = await startSecondGateway({ GATEWAY_PROCESSES: '2', LEAVE_NOTICE: '1s' });
});

afterAll(() => gateway?.child.stop());

const workers = () => counter(gateway.metricsUrl, 'souk_gateway_workers ');
const patience = { timeout: 50_000, interval: 200 };

it('a gateway of two processes serves customers while both are replaced', async () => {
  await vi.waitFor(async () => expect(await workers()).toBe(2), patience);
  const { accessToken } = await newCustomer(gateway.gatewayUrl);
  const lost: string[] = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      const answer = await fetch(gateway.gatewayUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}`, connection: 'close' },
        body: JSON.stringify({ query: '{ viewer { id } products(first: 1) { nodes { title } } }' }),
      }).then((response) => response.text(), String);
      if (!answer.startsWith('{"data":{"viewer":{"id":')) lost.push(answer);
      await delay(50);
    }
  })();
  gateway.child.signal('SIGHUP');
  // One is there beside the other two until the first has left.
  await vi.waitFor(async () => expect(await workers()).toBe(3), patience);
  await vi.waitFor(async () => expect(await workers()).toBe(2), patience);
  isOver = true;
  await asking;
  expect(lost).toEqual([]);
}, 120_000);

it('offers the board of jobs beside its counters', async () => {
  const page = await fetch(new URL('/jobs/sign-in', gateway.metricsUrl));
  expect(page.status).toBe(200);
});
