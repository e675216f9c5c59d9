import { once } from 'node:events';
import { connect } from 'node:net';
import { testRedisUrl } from '@souk/dev/test-database';
import { type DoorLimits, defaultDoorLimits } from '@souk/platform/door-limits';
import { ACCESS_CHANGED_CHANNEL, ACCESS_SNAPSHOT_KEY, type AccessSnapshot, type Viewer } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import type { Peer } from '@souk/platform/peer';
import { openRedis } from '@souk/platform/redis';
import { register } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTcpProxy } from '../../../platform/test/tcp-proxy.ts';
import { openTestGateway, type TestGateway, type TestGatewayOptions } from '../../test/test-gateway.ts';
import { followAccessState } from '../access-state.ts';

const logger = createLogger('test', { level: 'silent' });
const closers: (() => Promise<unknown>)[] = [];
let redisUrl: string;
/** Two gateways of one shop, whose limits each test sets. */
let gateway: TestGateway;
let other: TestGateway;
let limits: Partial<DoorLimits>;
/** Nobody has come from here before. */
let home: string;
let tests = 0;

beforeAll(async () => {
  redisUrl = await testRedisUrl();
  gateway = await open();
  other = await open();
});
beforeEach(() => {
  limits = {};
  home = `198.51.100.${++tests}`;
  gateway.sent.length = 0;
});
afterAll(async () => {
  await Promise.all(closers.map((close) => close()));
});

async function open(options: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
  const opened = await openTestGateway({
    redisUrl,
    doorLimits: () => ({ ...defaultDoorLimits, ...limits }),
    // Whoever says a name is believed.
    authenticate: async ({ authorization: name }) =>
      name === undefined
        ? null
        : ({ userId: `${name} ${tests}`, sessionId: 's', roles: [], scopes: new Set() } satisfies Viewer),
    ...options,
  });
  closers.push(opened.close);
  return opened;
}

const hour = (points: number) => ({ points, windowSeconds: 3_600 });

const VIEWER = { query: '{ viewer { id } }' };
const viewers = (count: number) => ({
  query: `{ ${Array.from({ length: count }, (_, alias) => `a${alias}: viewer { id }`).join(' ')} }`,
});
const as = (userId: string) => ({ authorization: userId });

const post = (at: TestGateway, body: object, headers = {}, from = home) => at.post(body, headers, from);

/** The statuses of as many requests, one after another. */
async function statuses(at: TestGateway, count: number, body: object, headers = {}, from = home): Promise<number[]> {
  const seen: number[] = [];
  for (let sent = 0; sent < count; sent++) seen.push((await post(at, body, headers, from)).status);
  return seen;
}

describe('requests from one address', () => {
  beforeEach(() => {
    limits = { address: hour(3) };
  });

  it('are answered up to the limit; the next is refused with when to come again, and nothing is run', async () => {
    expect(await statuses(gateway, 3, VIEWER)).toEqual([200, 200, 200]);
    gateway.sent.length = 0;
    const refused = await post(gateway, VIEWER);
    expect(refused).toMatchObject({ status: 429, data: undefined, codes: ['RATE_LIMITED'] });
    const [{ extensions }] = JSON.parse(refused.text).errors;
    expect(extensions).toMatchObject({ retryable: true, requestId: refused.headers['x-request-id'] });
    expect(Number(refused.headers['retry-after'])).toBe(Math.ceil(extensions.retryAfterMs / 1_000));
    expect(refused.messages[0]).not.toMatch(/\d/);
    expect(gateway.sent).toEqual([]);
  });

  it('are those of a whole /64, and of nobody else', async () => {
    expect(await statuses(gateway, 2, VIEWER, {}, '2001:db8:1:2::1')).toEqual([200, 200]);
    expect(await statuses(gateway, 2, VIEWER, {}, '2001:db8:1:2:ffff::9')).toEqual([200, 429]);
    expect(await statuses(gateway, 1, VIEWER, {}, '2001:db8:1:3::1')).toEqual([200]);
    expect(await statuses(gateway, 4, VIEWER, {}, '192.0.2.1')).toEqual([200, 200, 200, 429]);
    expect(await statuses(gateway, 1, VIEWER, {}, '192.0.2.2')).toEqual([200]);
    expect(await statuses(gateway, 1, VIEWER, {}, '::ffff:192.0.2.1')).toEqual([429]);
  });

  it('count whatever is wrong with them, and whoever is signed in', async () => {
    limits = { address: hour(5) };
    expect(await statuses(gateway, 1, { query: '{' })).toEqual([400]);
    expect(await gateway.postText('{', home)).toBe(400);
    expect(await gateway.postText('[1', home)).toBe(400);
    expect(await statuses(gateway, 1, VIEWER, as('user_1'))).toEqual([200]);
    const { codes } = await gateway.get({ documentId: 'nothing' }, {}, home);
    expect(codes).toEqual(['PERSISTED_QUERY_NOT_FOUND']);
    expect(await statuses(gateway, 1, VIEWER, as('user_2'))).toEqual([429]);
  });

  it('are counted by all gateways together', async () => {
    expect(await statuses(gateway, 2, VIEWER)).toEqual([200, 200]);
    expect(await statuses(other, 2, VIEWER)).toEqual([200, 429]);
    expect(await statuses(gateway, 1, VIEWER)).toEqual([429]);
  });
});

describe('a root field', () => {
  it('is limited by cost, of which every alias has its own', async () => {
    limits = { rootField: hour(10) };
    expect(await statuses(gateway, 1, viewers(10))).toEqual([200]);
    gateway.sent.length = 0;
    const refused = await post(gateway, VIEWER);
    expect(refused).toMatchObject({ status: 429, data: undefined, codes: ['RATE_LIMITED'] });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(3_000);
    expect(refused.messages[0]).not.toMatch(/\d/);
    expect(gateway.sent).toEqual([]);
  });

  it('is the same in a fragment as outside', async () => {
    limits = { rootField: hour(10) };
    const query = `{ ...F ... on Query { ...F } } fragment F on Query { ${viewers(5).query.slice(1, -1)} }`;
    expect(await statuses(gateway, 2, { query })).toEqual([200, 429]);
  });

  it('costs what its page costs', async () => {
    limits = { rootField: hour(200) };
    const query = 'query ($first: Int) { products(first: $first) { nodes { id } } }';
    expect(await statuses(gateway, 4, { query, variables: { first: 20 } })).toEqual([200, 200, 200, 200]);
    expect(await statuses(gateway, 2, { query, variables: { first: 100 } }, as('user_1'))).toEqual([200, 429]);
  });

  it('has a budget of its own for each user and for the guests of each address', async () => {
    limits = { rootField: hour(10) };
    for (const who of [{}, as('user_1'), as('user_2')]) {
      expect(await statuses(gateway, 2, viewers(10), who)).toEqual([200, 429]);
    }
    expect(await statuses(gateway, 1, viewers(10), as('user_1'), '192.0.2.9')).toEqual([429]);
    expect(await statuses(gateway, 1, viewers(10), {}, '192.0.2.9')).toEqual([200]);
    expect(await statuses(gateway, 1, { query: '{ brands { id } }' })).toEqual([200]);
  });

  it('that is used up stops the whole document', async () => {
    limits = { rootFields: [{ name: 'brands', ...hour(10) }] };
    const query = '{ viewer { id } brands { id } }';
    expect(await statuses(gateway, 1, { query: '{ brands { id } }' })).toEqual([200]);
    gateway.sent.length = 0;
    expect(await post(gateway, { query })).toMatchObject({ status: 429, data: undefined });
    expect(gateway.sent).toEqual([]);
    expect(await statuses(gateway, 1, VIEWER)).toEqual([200]);
  });

  it('that is sensitive is limited by uses, and more strictly', async () => {
    limits = { sensitiveRootField: hour(2), rootField: hour(10) };
    const mail = { query: 'mutation { passwordResetRequest(email: "a@b.example") { accepted } }' };
    expect(await statuses(gateway, 2, mail)).toEqual([200, 200]);
    gateway.sent.length = 0;
    expect(await post(gateway, mail)).toMatchObject({ status: 429, codes: ['RATE_LIMITED'] });
    expect(gateway.sent).toEqual([]);
    const verify = { query: 'mutation { emailVerify(token: "x") { userErrors { code } } }' };
    expect(await statuses(gateway, 1, verify)).toEqual([200]);
  });

  it('spends nothing in a document that is not run', async () => {
    limits = { rootField: hour(10) };
    const strict = await open({ costBudget: 9 });
    expect(await statuses(strict, 3, viewers(10))).toEqual([400, 400, 400]);
    expect(await statuses(strict, 3, { query: '{ viewer { nothing } }' })).toEqual([400, 400, 400]);
    expect(await statuses(strict, 2, viewers(9))).toEqual([200, 429]);
  });

  it('is counted by all gateways together', async () => {
    limits = { rootField: hour(10) };
    expect(await statuses(gateway, 1, viewers(6))).toEqual([200]);
    expect(await statuses(other, 2, viewers(4))).toEqual([200, 429]);
  });

  it('of introspection costs nothing', async () => {
    limits = { rootField: hour(10) };
    expect(new Set(await statuses(gateway, 15, { query: '{ __typename }' }))).toEqual(new Set([200]));
  });
});

describe('an instance', () => {
  /** Five places, of which one is reserved; two requests may wait for a moment. */
  const instance = { minimumInFlight: 5, maximumInFlight: 5, delayMs: 1_000, reservedPercent: 20 };
  const CHECKOUT = {
    query: 'mutation Place($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } } }',
    variables: { input: { cartId: 'c', idempotencyKey: 'k', expectedTotal: { amount: '1.00', currencyCode: 'EUR' } } },
  };

  let release = () => {};
  beforeEach(() => {
    limits = { instance };
  });
  afterEach(() => release());

  async function fill() {
    await post(gateway, CHECKOUT);
    gateway.sent.length = 0;
    release = gateway.hold();
    const inFlight = Array.from({ length: 4 }, () => post(gateway, VIEWER));
    await vi.waitFor(() => expect(gateway.sent).toHaveLength(4));
    return inFlight;
  }

  it('works on as much as it can take; what is above is refused and not run', async () => {
    const inFlight = await fill();
    const refused = await post(gateway, VIEWER);
    expect(refused).toMatchObject({ status: 503, data: undefined, codes: ['RATE_LIMITED'] });
    expect(refused.headers['retry-after']).toBe('1');
    expect(JSON.parse(refused.text).errors[0].extensions).toMatchObject({ retryable: true, retryAfterMs: 1_000 });
    expect(gateway.sent).toHaveLength(4);
    release();
    for (const { status } of await Promise.all(inFlight)) expect(status).toBe(200);
    expect(await statuses(gateway, 5, VIEWER)).toEqual([200, 200, 200, 200, 200]);
  });

  it('reads nothing of a request when not even a purchase would find room', async () => {
    const inFlight = [...(await fill()), post(gateway, CHECKOUT)];
    await vi.waitFor(() => expect(gateway.sent).toHaveLength(5));
    // One of those waits in vain.
    expect(await post(gateway, CHECKOUT)).toMatchObject({ status: 503 });
    const { hostname, port } = new URL(await gateway.listen());
    const socket = connect(Number(port), hostname);
    socket.write(
      'POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1.1 503 .*"code":"RATE_LIMITED"/s);
    release();
    for (const { status } of await Promise.all(inFlight)) expect(status).toBe(200);
  });

  it('keeps places for what finishes a purchase, and for nothing that only looks like it', async () => {
    const inFlight = await fill();
    for (const query of [
      '# orderPlace\n{ viewer { id } }',
      '{ orderPlace: viewer { id } }',
      'mutation { cartClear(cartId: "c") { cart { id } } paymentCancel(paymentId: "p") { payment { id } } }',
      'mutation { ...F } fragment F on Mutation { cartClear(cartId: "orderPlace") { cart { id } } }',
      'mutation { orderPlace(',
    ]) {
      expect(await post(gateway, { query })).toMatchObject({ status: 503, codes: ['RATE_LIMITED'] });
    }
    expect(gateway.sent).toHaveLength(4);

    const checkout = post(gateway, CHECKOUT);
    await vi.waitFor(() => expect(gateway.sent).toHaveLength(5));
    expect(await post(gateway, CHECKOUT)).toMatchObject({ status: 503, codes: ['RATE_LIMITED'] });
    expect(gateway.sent).toHaveLength(5);
    release();
    for (const { status } of await Promise.all([...inFlight, checkout])) expect(status).toBe(200);
  });

  it('gives a place back whatever becomes of a request', async () => {
    const broken = await open({
      authenticate: async ({ authorization }) => (authorization ? Promise.reject(new Error('broken')) : null),
    });
    expect(new Set(await statuses(broken, 10, VIEWER, as('x')))).toEqual(new Set([500]));
    expect(new Set(await statuses(broken, 10, { query: '{' }))).toEqual(new Set([400]));
    expect(new Set(await statuses(broken, 10, VIEWER))).toEqual(new Set([200]));
  });
});

describe('without Redis', () => {
  it('gateways grant their part of the limits: neither all nor nothing', async () => {
    const direct = new URL(redisUrl);
    const network = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
    const behind = Object.assign(new URL(direct), { port: String(network.port) }).href;
    limits = { address: hour(20), rootField: hour(100) };
    const cutOff = { redisUrl: behind, instances: () => 2 };
    const gateways = [await open(cutOff), await open(cutOff)];
    closers.push(network.close);
    await network.cut();
    for (const each of gateways) {
      const seen = await statuses(each, 12, VIEWER);
      expect(seen).toEqual([...Array(10).fill(200), 429, 429]);
      const others = await statuses(each, 6, viewers(10), as('user_1'), '192.0.2.1');
      expect(others).toEqual([...Array(5).fill(200), 429]);
    }
  });
});

describe('settings', () => {
  it('that change hold at every gateway, without a restart', async () => {
    const publisher = openRedis({ url: redisUrl, name: 'test' });
    await publisher.ready();
    closers.push(publisher.close);
    const publish = async (version: number, changed: Partial<DoorLimits>) => {
      const snapshot: AccessSnapshot = {
        version,
        revokedSessionIds: [],
        revokedKeyIds: [],
        blockedUserIds: [],
        userRoles: {},
        roleScopes: {},
        accessEntries: [],
        doorLimits: { ...defaultDoorLimits, ...changed },
      };
      await publisher.client.set(ACCESS_SNAPSHOT_KEY, JSON.stringify(snapshot));
      await publisher.client.publish(ACCESS_CHANGED_CHANNEL, String(version));
    };
    const openFollowing = async () => {
      const redis = openRedis({ url: redisUrl, name: 'test' });
      const userPeer = { request: () => Promise.reject(new Error('away')) } as unknown as Peer;
      const state = followAccessState({ redis, userPeer, logger });
      closers.push(() => state.close().then(() => redis.close()));
      await redis.ready();
      return open({ doorLimits: () => state.current()?.doorLimits ?? defaultDoorLimits });
    };
    const gateways = [await openFollowing(), await openFollowing()];
    const all = (status: number) =>
      vi.waitFor(
        async () => {
          for (const each of gateways) expect((await post(each, viewers(10))).status).toBe(status);
        },
        { timeout: 3_000, interval: 50 },
      );
    await all(200);
    await publish(1, { rootFields: [{ name: 'viewer', ...hour(10) }] });
    await all(429);
    await publish(2, {});
    await all(200);
  });
});

describe('metrics', () => {
  it('tell what each limit let in and refused', async () => {
    const count = async (limit: string, outcome: string) => {
      const { values = [] } = (await register.getSingleMetric('souk_limit_decisions_total')?.get()) ?? {};
      return values.find(({ labels }) => labels['limit'] === limit && labels['outcome'] === outcome)?.value ?? 0;
    };
    limits = { address: hour(2), rootField: hour(10) };
    const all = () =>
      Promise.all([
        count('address', 'allowed'),
        count('address', 'refused'),
        count('root-field', 'allowed'),
        count('root-field', 'refused'),
        count('instance', 'allowed'),
      ]);
    const before = await all();
    expect(await statuses(gateway, 4, viewers(10))).toEqual([200, 429, 429, 429]);
    // The last one comes from an address that is known to be over its limit, and gets no further.
    const more = [2, 2, 1, 1, 3];
    expect(await all()).toEqual(before.map((value, index) => value + (more[index] ?? 0)));
    const text = await register.metrics();
    expect(text).toMatch(/^souk_requests_in_flight 0$/m);
    expect(text).toMatch(/^souk_instance_capacity \d+$/m);
  });
});
