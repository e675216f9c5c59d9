import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timeLeftMs } from './deadline.ts';
import { badUserInput, SoukError } from './errors.ts';
import { newId } from './id.ts';
import { createSigner, createVerifier, type Signer } from './identity.ts';
import { createLogger } from './logger.ts';
import { createHttpServer } from './service.ts';
import { serveSubgraph } from './subgraph-server.ts';

const typeDefs = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  directive @public on FIELD_DEFINITION | OBJECT
  type Query @public { product(id: ID!): Product fail(how: String!, much: Int): String timeLeft: Int }
  type Mutation @public { change(how: String!, input: Change): String }
  input Change { idempotencyKey: String }
  type Product @key(fields: "id") @public { id: ID! }
`;
const secret = 'INSERT INTO users 10.0.0.7:3306';
const failures: Record<string, () => unknown> = {
  bug: () => new Error(secret),
  socket: () => new Error('Failed query', { cause: Object.assign(new Error(secret), { code: 'ECONNREFUSED' }) }),
  closed: () => new Error("Can't add new command when connection is in closed state"),
  deadlock: () => Object.assign(new Error(secret), { errno: 1213 }),
  slow: () => Object.assign(new Error(secret), { errno: 1969 }),
  told: () => badUserInput('Expected less.'),
  long: () => badUserInput('x'.repeat(100_000)),
  busy: () => new SoukError('RATE_LIMITED', 'Wait.', { retryable: true, retryAfterMs: 100 }),
};
let timesAsked = 0;
const resolvers = {
  Query: {
    timeLeft: () => {
      timesAsked++;
      return Number.isFinite(timeLeftMs()) ? timeLeftMs() : null;
    },
    fail: (_: unknown, { how }: { how: string }) => {
      throw failures[how]?.();
    },
  },
  Mutation: {
    change: (_: unknown, { how }: { how: string }) => {
      throw failures[how]?.();
    },
  },
  Product: { __resolveReference: ({ id }: { id: string }) => ({ id }) },
};

const app = createHttpServer(createLogger('test', { level: 'silent' }));
let stop: () => Promise<void>;
let signer: Signer;

beforeAll(async () => {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const publicKey = { ...(await exportJWK(pair.publicKey)), kid: 'gateway' };
  const privateKey = { ...(await exportJWK(pair.privateKey)), kid: 'gateway' } as JWK;
  signer = createSigner({ service: 'gateway', privateKey });
  const verify = createVerifier({ audience: 'catalog', publicKeys: { keys: [publicKey] } });
  stop = await serveSubgraph(app, { typeDefs, resolvers, verify, createContext: (request) => request });
});

afterAll(async () => {
  await app.close();
  await stop();
});

const ask = async (query: string, variables: object = {}) => {
  const answer = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'souk-assertion': await signer.assertion('catalog', null) },
    payload: { query, variables },
  });
  return answer.json() as { data?: unknown; errors?: { message: string; extensions: Record<string, unknown> }[] };
};

describe('a stranger', () => {
  it.each([
    ['POST', '/graphql', 'application/json', '{"query":"{ _service { sdl } }"}'],
    ['POST', '/graphql', 'application/json', 'no JSON'],
    ['POST', '/graphql', 'text/plain', 'x'],
    ['POST', '/graphql', 'application/json', 'x'.repeat(300_000)],
    ['GET', '/graphql', undefined, undefined],
    ['HEAD', '/graphql', undefined, undefined],
    ['OPTIONS', '/graphql', undefined, undefined],
    ['PUT', '/graphql', 'application/json', '{}'],
    ['GET', '/elsewhere', undefined, undefined],
    ['POST', '/graphql/', 'application/json', '{}'],
  ] as const)('is answered 401 to %s %s with %s', async (method, url, type, payload) => {
    const answer = await app.inject({
      method,
      url,
      ...(type ? { headers: { 'content-type': type } } : {}),
      ...(payload ? { payload } : {}),
    });
    expect(answer.statusCode).toBe(401);
    if (method !== 'HEAD')
      expect(answer.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });
});

describe('what an answer took', () => {
  const query = '{ _service { sdl } }';
  const post = async (assertion: string, headers: Record<string, string> = {}) =>
    (
      await app.inject({
        method: 'POST',
        url: '/graphql',
        headers: { 'souk-assertion': assertion, ...headers },
        payload: { query, extensions: { soukDebug: true } },
      })
    ).json();

  it('is told where the gateway’s assertion asks for it', async () => {
    const answer = await post(await signer.assertion('catalog', null, { wantsDebug: true }));
    expect(answer.extensions).toEqual({ soukDebug: { sql: { count: 0, durationMs: 0 } } });
  });

  it('is not told for anything else that asks', async () => {
    const answer = await post(await signer.assertion('catalog', null), { 'x-souk-debug': 'sql', 'souk-debug': 'sql' });
    expect(Object.keys(answer)).toEqual(['data']);
  });
});

describe('an error', () => {
  it.each([
    ['bug', 'INTERNAL_SERVER_ERROR', false],
    ['socket', 'SUBGRAPH_UNAVAILABLE', true],
    ['closed', 'SUBGRAPH_UNAVAILABLE', true],
    ['deadlock', 'SUBGRAPH_UNAVAILABLE', true],
    ['slow', 'SUBGRAPH_TIMEOUT', true],
    ['told', 'BAD_USER_INPUT', false],
    ['busy', 'RATE_LIMITED', true],
  ])('of the kind %s is told as %s', async (how, code, retryable) => {
    const { errors } = await ask('query ($how: String!) { fail(how: $how) }', { how });
    expect(errors).toMatchObject([{ path: ['fail'], extensions: { code, retryable } }]);
    expect(JSON.stringify(errors)).not.toMatch(/10\.0\.0\.7|INSERT|stack/);
  });

  it.each([
    ['socket', 'SUBGRAPH_TIMEOUT', false],
    ['closed', 'SUBGRAPH_TIMEOUT', false],
    ['deadlock', 'SUBGRAPH_UNAVAILABLE', true],
    ['told', 'BAD_USER_INPUT', false],
  ])('of a change, of the kind %s, is told as %s', async (how, code, retryable) => {
    const change = 'mutation ($how: String!, $input: Change) { it: change(how: $how, input: $input) }';
    const { errors } = await ask(change, { how });
    expect(errors).toMatchObject([{ path: ['it'], extensions: { code, retryable } }]);
    const withKey = await ask(change, { how, input: { idempotencyKey: 'k' } });
    expect(withKey.errors).toMatchObject([{ extensions: { code, retryable: code.startsWith('SUBGRAPH_') } }]);
  });

  it('never repeats a long value whole', async () => {
    const value = 'x'.repeat(100_000);
    const answers = [
      await ask('query ($how: String!) { fail(how: $how) }', { how: 'long' }),
      await ask('query ($much: Int) { fail(how: "bug", much: $much) }', { much: value }),
      await ask(`{ fail(how: "bug", much: "${value}") }`),
    ];
    for (const { errors } of answers) {
      expect(errors).toMatchObject([{ extensions: { code: expect.stringMatching(/BAD_USER_INPUT|VALIDATION/) } }]);
      expect(JSON.stringify(errors).length).toBeLessThan(2_000);
    }
  });
});

describe('a deadline', () => {
  const askUntil = async (deadline: string) => {
    const headers = { 'souk-assertion': await signer.assertion('catalog', null), 'souk-deadline': deadline };
    return app.inject({ method: 'POST', url: '/graphql', headers, payload: { query: '{ timeLeft }' } });
  };

  it('is known to what is done for the request', async () => {
    const { timeLeft } = (await askUntil(String(Date.now() + 60_000))).json().data;
    expect(timeLeft).toBeGreaterThan(30_000);
    expect(timeLeft).toBeLessThanOrEqual(60_000);
  });

  it('that has passed keeps the request from being begun', async () => {
    const before = timesAsked;
    const answer = await askUntil(String(Date.now() - 1));
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ errors: [{ extensions: { code: 'SUBGRAPH_TIMEOUT', retryable: true } }] });
    expect(timesAsked).toBe(before);
  });

  it.each(['', 'soon', '-1', '1e3', '9'.repeat(30)])('that is none, like %j, is none', async (deadline) => {
    expect((await askUntil(deadline)).json()).toEqual({ data: { timeLeft: null } });
  });
});

describe('an entity key', () => {
  const entities = (...representations: unknown[]) =>
    ask(
      'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Product { id } } }',
      { representations },
    );

  it('leads to its entity', async () => {
    const id = newId('Product');
    expect(await entities({ __typename: 'Product', id })).toEqual({ data: { _entities: [{ id }] } });
  });

  it.each<[string, unknown]>([
    ['of another kind', { __typename: 'Product', id: newId('Order') }],
    ['that is a number', { __typename: 'Product', id: 0 }],
    ['in a list', { __typename: 'Product', id: [newId('Product')] }],
    ['that is an object', { __typename: 'Product', id: { toString: 'x' } }],
    ['that is null', { __typename: 'Product', id: null }],
    ['of the wrong type in another place', { __typename: 'Product', slug: { like: '%' } }],
    ['without an object round it', 'Product'],
  ])('%s is refused', async (_, representation) => {
    const { errors } = await entities(representation);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});
