import { testRedisUrl } from '@souk/dev/test-database';
import type { Viewer } from '@souk/platform/identity';
import { register } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestGateway } from '../test/test-gateway.ts';
import { createMutationClock, type MutationClock } from './subgraph-client/mutation-clock.ts';

const ann: Viewer = { userId: 'user_ann', sessionId: 'sess_1', roles: ['CUSTOMER'], scopes: new Set() };
const bob: Viewer = { ...ann, userId: 'user_bob', sessionId: 'sess_2' };
const viewers: Record<string, Viewer> = { ann, bob };
const query = 'query Me($with: Boolean = false) { viewer { id roles @include(if: $with) } }';
let gateway: TestGateway;
let clock: MutationClock;
let note: string;

beforeEach(async () => {
  clock = createMutationClock();
  note = 'user_1';
  gateway = await openTestGateway({
    redisUrl: await testRedisUrl(),
    clock,
    answer: () =>
      note === 'broken'
        ? { data: { viewer: null }, errors: [{ message: 'No.', extensions: { code: 'FORBIDDEN' } }] }
        : { data: { viewer: { __typename: 'User', id: note, roles: [] } } },
    authenticate: ({ authorization }) => viewers[authorization ?? ''] ?? null,
  });
  // From then on it is known.
  await ask();
  gateway.sent.length = 0;
});
afterEach(() => gateway.close());

const ask = (authorization = 'ann', body: object = { query }, headers = {}) =>
  gateway.post(body, { 'content-type': 'application/json', authorization, ...headers });
const sent = (count: number) => vi.waitFor(() => expect(gateway.sent).toHaveLength(count), { interval: 1 });
const shared = async () =>
  Number((await register.getSingleMetric('souk_operations_shared_total')?.get())?.values[0]?.value ?? 0);

describe('a query that is being executed', () => {
  it('is not executed for others who ask the same as the same viewer', async () => {
    const before = await shared();
    const release = gateway.hold();
    const answers = Promise.all(Array.from({ length: 10 }, () => ask()));
    await sent(1);
    release();
    for (const { status, text } of await answers)
      expect([status, text]).toEqual([200, '{"data":{"viewer":{"id":"user_1"}}}\n']);
    expect(gateway.sent).toHaveLength(1);
    expect(await shared()).toBe(before + 9);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['another viewer', () => ask('bob')],
    ['a guest', () => ask('')],
    ['other variables', () => ask('ann', { query, variables: { with: true } })],
    ['another document', () => ask('ann', { query: `${query} # other` })],
    ['who wants to see the plan', () => ask('ann', { query }, { 'apollo-query-plan-experimental': '1' })],
  ])('is executed for %s', async (_, other) => {
    const release = gateway.hold();
    const answers = [ask(), other()];
    await sent(2);
    release();
    await Promise.all(answers);
  });

  it('is executed for who asks after a mutation has begun or ended', async () => {
    const release = gateway.hold();
    const before = ask();
    await sent(1);
    clock.tick();
    note = 'user_2';
    const after = ask();
    await sent(2);
    release();
    await before;
    expect((await after).data).toEqual({ viewer: { id: 'user_2' } });
  });

  it('is executed for who comes much later', async () => {
    const release = gateway.hold();
    const first = ask();
    await sent(1);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const second = ask();
    await sent(2);
    release();
    await Promise.all([first, second]);
  });

  it('fails for all of them, each with an error of his own', async () => {
    const release = gateway.hold();
    note = 'broken';
    const answers = Promise.all([ask(), ask()]);
    await sent(1);
    release();
    const [one, other] = await answers;
    expect(one?.codes).toEqual(other?.codes);
    expect(one?.codes).toHaveLength(1);
    expect(one?.text).not.toBe(other?.text);
  });

  it('goes on for the others when the client has gone for whom it was begun', async () => {
    const release = gateway.hold();
    const url = await gateway.listen();
    const headers = { 'content-type': 'application/json', authorization: 'ann' };
    const leaving = new AbortController();
    const before = await shared();
    const first = fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }), signal: leaving.signal });
    await sent(1);
    const second = ask();
    await vi.waitFor(async () => expect(await shared()).toBe(before + 1));
    leaving.abort();
    await expect(first).rejects.toThrow();
    release();
    expect((await second).data).toEqual({ viewer: { id: 'user_1' } });
    expect(gateway.sent).toHaveLength(1);
  });
});

it('a change is not shared', async () => {
  const release = gateway.hold();
  const mutation = { query: 'mutation { signOut { __typename } }' };
  const answers = Promise.all([ask('ann', mutation), ask('ann', mutation)]);
  await sent(2);
  release();
  await answers;
});
