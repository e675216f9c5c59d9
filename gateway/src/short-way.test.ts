import { setTimeout as delay } from 'node:timers/promises';
import { testRedisUrl } from '@souk/dev/test-database';
import { documentHash } from '@souk/platform/document-hash';
import { type DoorLimits, defaultDoorLimits } from '@souk/platform/door-limits';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { register } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestAnswer, type TestGateway } from '../test/test-gateway.ts';

const SHORT_WAY = 'souk_short_way_answers_total';
/** The short way begins at the wire, or where Fastify is done with a request. */
const ways = ['wire', 'short', 'long'] as const;
type Way = (typeof ways)[number];
const gateways = {} as Record<Way, TestGateway>;
const lines: Record<string, unknown>[] = [];
const logger = createLogger('gateway', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
let answer: () => object;
let viewer: Viewer | null | SoukError;
let limits: DoorLimits;

beforeAll(async () => {
  for (const way of ways) {
    gateways[way] = await openTestGateway({
      redisUrl: await testRedisUrl(),
      shortWay: way !== 'long',
      logger,
      tags: ['Product:prod_1'],
      answer: () => answer(),
      doorLimits: () => limits,
      async authenticate() {
        if (viewer instanceof SoukError) throw viewer;
        return viewer;
      },
    });
    await gateways[way].listen();
  }
});
beforeEach(() => {
  answer = () => ({ data: { viewer: { __typename: 'User', id: 'user_1' } } });
  viewer = customer;
  limits = defaultDoorLimits;
});
afterAll(async () => {
  for (const way of ways) await gateways[way]?.close();
});

const customer: Viewer = { userId: 'user_1', sessionId: 'sess_1', roles: ['CUSTOMER'], scopes: new Set() };
const query = 'query Me { viewer { id } }';
const product = 'query Page($id: ID!) { product(id: $id) { id title } }';
const shirt = { data: { product: { __typename: 'Product', id: 'prod_1', title: 'Ein Hemd für 茶 "x"' } } };
const own = 'application/json';
const newer = 'application/graphql-response+json, application/json;q=0.9';

interface Observed {
  answers: Pick<TestAnswer, 'status' | 'headers' | 'text'>[];
  lines: Record<string, unknown>[];
  metrics: string[];
  sent: number;
  short: number;
}

/** Sends a request three times, and tells all that can be seen of that from outside: the first time nobody knows the document. */
async function observe(way: Way, body: object | string, headers: Record<string, string> = {}): Promise<Observed> {
  const gateway = gateways[way];
  const send = way === 'short' ? gateway.post : gateway.send;
  const sentBefore = gateway.sent.length;
  register.resetMetrics();
  lines.length = 0;
  const answers: Observed['answers'] = [];
  for (let request = 1; request <= 3; request++) {
    const {
      status,
      headers: given,
      text,
    } = await send(body as object, {
      'content-type': 'application/json',
      'x-request-id': `request-000${request}`,
      ...headers,
    });
    const { date: _, Date: __, 'retry-after': retryAfter, ...others } = given;
    const told = retryAfter === undefined ? others : { 'retry-after': 'soon', ...others };
    // When to come again is told to the millisecond.
    answers.push({ status, headers: told, text: text.replace(/"retryAfterMs":\d+/, '') });
  }
  await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(3));
  return {
    answers,
    lines: lines.map(({ time: _, durationMs: __, subgraphMs: ___, ...line }) => line),
    metrics: await settled(),
    sent: gateway.sent.length - sentBefore,
    short: Number((await register.getSingleMetric(SHORT_WAY)?.get())?.values[0]?.value ?? 0),
  };
}

/** What is counted, once nothing more is: a request that is refused for one reason may still be counted for another. */
async function settled(): Promise<string[]> {
  for (let before = ''; ; await delay(20)) {
    const now = (await register.metrics()).split('\n').filter(isSame).sort().join('\n');
    if (now === before) return now.split('\n');
    before = now;
  }
}

/** Whether a line of the metrics has to be the same for the same requests: times are not, nothing of the process is, and Redis is told of spendings together. */
function isSame(line: string): boolean {
  return (
    /^souk_/.test(line) &&
    !/^souk_\w+_seconds_(bucket|sum)|^souk_(short_way|documents_known|budget_spendings)/.test(line)
  );
}

async function compare(body: object | string, headers?: Record<string, string>): Promise<Observed> {
  const long = await observe('long', body, headers);
  const wire = await observe('wire', body, headers);
  const short = await observe('short', body, headers);
  expect({ ...wire, short: 0 }).toEqual({ ...long, short: 0 });
  for (const [place, { headers: given }] of wire.answers.entries())
    expect(Object.keys(given)).toEqual(Object.keys(long.answers[place]?.headers ?? {}));
  // It is not sent over a connection, of which headers tell.
  expect({ ...short, answers: short.answers.map(withoutHeaders) }).toEqual({
    ...wire,
    answers: wire.answers.map(withoutHeaders),
  });
  expect(long.short).toBe(0);
  return short;
}

const withoutHeaders = ({ status, text }: Observed['answers'][number]) => ({ status, text });

describe('a query that is known has the same answer, headers, line in the log and counts either way', () => {
  it.each<[string, object, Record<string, string>]>([
    ['in the usual form', { query }, {}],
    ['with a media type to accept', { query }, { accept: own }],
    ['with the newer media type to accept', { query }, { accept: newer }],
    ['with a charset', { query }, { 'content-type': 'application/json; charset=utf-8' }],
    ['with the name of its operation', { query, operationName: 'Me' }, {}],
    ['with nothing where something might be', { query, operationName: null, variables: null, extensions: null }, {}],
    ['with variables that it does not have', { query, variables: { secret: 1 } }, {}],
    ['from a page of another origin', { query }, { origin: 'https://elsewhere.example' }],
    ['from a page that may keep a token', { query }, { origin: 'http://localhost:3000' }],
    ['with the name of its software', { query }, { 'apollographql-client-name': 'web', 'user-agent': 'Browser/1' }],
    ['with who was asked for it', { query }, { 'x-forwarded-for': '203.0.113.7' }],
    ['by its hash', { extensions: { persistedQuery: { version: 1, sha256Hash: documentHash(query) } }, query }, {}],
    ['by its hash in the other form', { documentId: `sha256:${documentHash(query)}`, query }, {}],
  ])('%s', async (_, body, headers) => {
    // Its document and its media type may be known from before.
    expect((await compare(body, headers)).short).toBeGreaterThanOrEqual(2);
  });

  it('for guests, from the cache of answers', async () => {
    viewer = null;
    answer = () => shirt;
    const { short, sent, answers } = await compare({ query: product, variables: { id: 'prod_1' } });
    expect(short).toBeGreaterThanOrEqual(2);
    expect(sent).toBe(1);
    expect(answers[2]?.text).toBe(`{"data":{"product":{"id":"prod_1","title":"Ein Hemd für 茶 \\"x\\""}}}\n`);
  });
});

describe('what is not well is answered by the long way, and nothing is done twice', () => {
  it('an error of a subgraph', async () => {
    answer = () => ({ data: { viewer: null }, errors: [{ message: 'No.', extensions: { code: 'FORBIDDEN' } }] });
    const { sent, answers, short } = await compare({ query });
    expect(answers[2]).toMatchObject({ status: 200, text: expect.stringContaining('FORBIDDEN') });
    expect([sent, short]).toEqual([3, 0]);
  });

  it('a null where none may be', async () => {
    answer = () => ({ data: { viewer: { __typename: 'User', id: null } } });
    const { sent, short } = await compare({ query });
    expect([sent, short]).toEqual([3, 0]);
  });

  it('a refusal by the limit on addresses', async () => {
    await compare({ query });
    // It has sent more than this by now.
    limits = { ...defaultDoorLimits, address: { points: 2, windowSeconds: 60 } };
    const { answers, sent } = await compare({ query });
    expect(answers.map(({ status }) => status)).toEqual([429, 429, 429]);
    expect(sent).toBe(0);
  });

  it('a refusal of the instance', async () => {
    await compare({ query });
    limits = {
      ...defaultDoorLimits,
      instance: { ...defaultDoorLimits.instance, minimumInFlight: 0, maximumInFlight: 0 },
    };
    const { answers, sent } = await compare({ query });
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(sent).toBe(0);
  });

  it('a refusal by the limit on root fields', async () => {
    limits = { ...defaultDoorLimits, rootFields: [{ name: 'viewer', points: 2, windowSeconds: 60 }] };
    viewer = { ...customer, userId: 'user_limited' };
    const { answers, sent, short } = await compare({ query });
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(sent).toBe(2);
    expect(short).toBeGreaterThanOrEqual(1);
  });
});

describe('the long way is taken by', () => {
  it.each<[string, object | string, Record<string, string>]>([
    ['wrong variables', { query: product, variables: { id: [] } }, {}],
    ['variables in no form', { query, variables: '{}' }, {}],
    ['extensions in no form', { query, extensions: 1 }, {}],
    ['an unknown operation', { query, operationName: 'Other' }, {}],
    ['a name in no form', { query, operationName: 1 }, {}],
    ['a batch', [{ query }], {}],
    ['a media type that is not answered', { query }, { accept: 'text/plain' }],
    ['who wants to know what it costs', { query }, { 'x-souk-cost': '1' }],
    ['who wants to know the plan', { query }, { 'apollo-query-plan-experimental': '1' }],
    ['who has the refresh token kept', { query }, { 'x-souk-refresh-token': 'cookie', origin: 'http://localhost:80' }],
    ['a question about the schema', { query: '{ __schema { queryType { name } } }' }, {}],
    ['a document that is not valid', { query: '{ secret }' }, {}],
    ['a body that is no GraphQL', { query: '{' }, {}],
    ['a command', { query: 'mutation { signOut { __typename } }' }, {}],
  ])('%s', async (_, body, headers) => {
    expect((await compare(body, headers)).short).toBe(0);
  });

  it('who may not come in', async () => {
    viewer = new SoukError('UNAUTHENTICATED', 'Expected another token.');
    expect((await compare({ query })).short).toBe(0);
  });

  it('a page that a form of another site sends', async () => {
    expect((await compare({ query }, { 'content-type': 'text/plain' })).short).toBe(0);
  });
});
