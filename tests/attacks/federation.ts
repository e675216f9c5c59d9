import { createHmac } from 'node:crypto';
import { secretsOf } from '@souk/dev/secrets';
import { newId } from '@souk/platform/id';
import type { ServiceName } from '@souk/platform/identity';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { importJWK, type JWTPayload, SignJWT } from 'jose';
import { expect, inject } from 'vitest';
import { askSubgraph, gatewayFor } from './as-gateway.ts';
import { type Attack, attack } from './attack.ts';
import { ask, post } from './request.ts';

/** Those who get past the gateway, to a subgraph itself, and what the gateway could be made to ask on behalf of somebody. */

const { gatewayUrl, serviceUrls, folder } = inject('shop');
const { serviceKeys } = secretsOf(folder);
const urlOf = (name: SubgraphName) => `${serviceUrls[name]}/graphql`;
const unknownCaller = { status: 401, code: 'UNAUTHENTICATED' };
const badInput = { status: 200, code: 'BAD_USER_INPUT' };

const SDL = '{ _service { sdl } }';

/** What a service says of itself and of whom it asks for, signed as it should be but for what is said otherwise. */
async function assertion(claims: JWTPayload & { key?: ServiceName; alg?: string; typ?: string } = {}): Promise<string> {
  const { key = 'gateway', alg = 'EdDSA', typ = 'souk-assertion+jwt', ...own } = claims;
  const now = Math.floor(Date.now() / 1_000);
  const { kid } = serviceKeys[key];
  return new SignJWT({ iss: key, aud: 'order', iat: now, exp: now + 60, ...own })
    .setProtectedHeader({ alg, kid, typ })
    .sign(await importJWK(serviceKeys[key], 'EdDSA'));
}

const strangers: Attack[] = subgraphNames.flatMap((name) => [
  ...[SDL, '{ __typename }', '{ _entities(representations: []) { __typename } }', '{'].map((query) => ({
    tries: `to ask ${name} directly for ${query}`,
    request: () => ask({ url: urlOf(name) }, query),
    answer: unknownCaller,
  })),
  attack({
    tries: `to ask ${name} directly with an access token`,
    request: ({ victim }) => ask({ url: urlOf(name), accessToken: victim.accessToken }, SDL),
    answer: unknownCaller,
  }),
  {
    tries: `to ask ${name} directly with 300 KB of nothing, which is not read`,
    request: () => post(urlOf(name), ' '.repeat(300_000)),
    answer: { status: [401, 413], code: expect.stringMatching(/^(UNAUTHENTICATED|BAD_USER_INPUT)$/) as never },
  },
]);

const now = () => Math.floor(Date.now() / 1_000);
const impostors: Attack[] = [
  ...(
    [
      ['for another subgraph', () => assertion({ aud: 'payment' })],
      ['that ran out', () => assertion({ iat: now() - 120, exp: now() - 60 })],
      ['good for an hour', () => assertion({ iat: now() - 600, exp: now() + 3_600 })],
      ['of another type', () => assertion({ typ: 'at+jwt' })],
      ['of the cart that says it is the gateway', () => assertion({ key: 'cart', iss: 'gateway' })],
      [
        'of the cart for a customer, as only the gateway may',
        () => assertion({ key: 'cart', sub: newId('User'), sid: 'x', roles: [], scope: 'order:write' }),
      ],
      ['of a service that there is not', () => assertion({ iss: 'warehouse' })],
      ['without the scopes of its customer', () => assertion({ sub: newId('User'), sid: 'x', roles: [] })],
      ['without a signature', async () => `${(await assertion()).split('.', 2).join('.')}.`],
      [
        'by the algorithm none',
        async () =>
          ['{"alg":"none","kid":"gateway"}', '{"iss":"gateway","aud":"order"}', '']
            .map((part) => Buffer.from(part).toString('base64url'))
            .join('.'),
      ],
      ['signed with the public key as a shared secret', async () => hmacSigned()],
    ] as const
  ).map(([what, make]) => ({
    tries: `an assertion ${what}`,
    request: async () => askSubgraph('order', await make(), SDL),
    answer: unknownCaller,
  })),
  {
    tries: 'the assertion that the gateway itself would send, so that each of the others is refused for its own fault',
    request: async () => askSubgraph('order', await assertion(), '{ __typename }'),
    answer: { status: 200, data: { __typename: 'Query' } },
  },
];

function hmacSigned(): string {
  const base64url = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = { alg: 'HS256', kid: 'gateway', typ: 'souk-assertion+jwt' };
  const signed = `${base64url(header)}.${base64url({ iss: 'gateway', aud: 'order', iat: now(), exp: now() + 60 })}`;
  return `${signed}.${createHmac('sha256', serviceKeys.gateway.x).update(signed).digest('base64url')}`;
}

const ENTITIES =
  'query ($representations: [_Any!]!) { _entities(representations: $representations) { __typename ... on Order { number } } }';
const entities = async (representations: unknown[]) =>
  askSubgraph('order', await gatewayFor('order', null), ENTITIES, { representations });

const representations: Attack[] = [
  ...(
    [
      ['an id that is a number, which SQL takes for any text', { __typename: 'Order', id: 0 }],
      ['an id that is an object', { __typename: 'Order', id: { $gt: '' } }],
      ['an id that is a list', { __typename: 'Order', id: [newId('Order')] }],
      ['an id of another type', { __typename: 'Order', id: newId('Payment') }],
      ['an id that is SQL', { __typename: 'Order', id: "' OR '1'='1" }],
      ['a number of an order that is true', { __typename: 'Order', number: true }],
      ['nothing instead of an object', null],
      ['a text instead of an object', 'Order'],
    ] as const
  ).map(([what, representation]) => ({
    tries: `an entity by ${what}`,
    request: () => entities([representation]),
    answer: { status: [200, 400], code: 'BAD_USER_INPUT' },
  })),
  {
    tries: 'five thousand entities at once',
    request: () => entities(Array(5_000).fill({ __typename: 'Order', id: newId('Order') })),
    answer: { status: 200 },
  },
  {
    tries: 'one entity more',
    request: () => entities(Array(5_001).fill({ __typename: 'Order', id: 'x' })),
    answer: badInput,
  },
];

const internal: Attack[] = (
  [
    ['user', '{ accessSnapshot { version } }'],
    ['catalog', 'mutation { stockRelease(orderId: "ordr_01k6z5w4d0e69t0k28cjr0t2mq") { userErrors { code } } }'],
    [
      'cart',
      '{ cartForOrder(id: "cart_01k6z5w4d0e69t0k28cjr0t2mq", userId: "user_01k6z5w4d0e69t0k28cjr0t2mq") { id } }',
    ],
    [
      'order',
      '{ orderForPayment(id: "ordr_01k6z5w4d0e69t0k28cjr0t2mq", userId: "user_01k6z5w4d0e69t0k28cjr0t2mq") { id } }',
    ],
  ] as const
).map(([name, query]) => ({
  tries: `an internal field of ${name} through the gateway's own hand`,
  request: async () => askSubgraph(name, await gatewayFor(name, null), query),
  answer: { status: [200, 400], code: expect.stringMatching(/^(FORBIDDEN|GRAPHQL_VALIDATION_FAILED)$/) as never },
}));

const outside: Attack[] = [
  {
    tries: 'the SDL through the gateway',
    request: () => ask({ url: gatewayUrl }, SDL),
    answer: { status: 400, code: 'GRAPHQL_VALIDATION_FAILED' },
  },
  {
    tries: 'an entity through the gateway',
    request: () => ask({ url: gatewayUrl }, ENTITIES, { representations: [] }),
    answer: { status: 400, code: 'GRAPHQL_VALIDATION_FAILED' },
  },
  attack({
    tries: 'headers that services use among themselves, at the gateway',
    request: async ({ victim }) =>
      ask(
        { url: gatewayUrl },
        '{ viewer { id } }',
        {},
        {
          'souk-assertion': await gatewayFor('user', victim),
          'souk-client-ip': '10.0.0.1',
          'souk-deadline': '1',
          'souk-refresh-token': `${victim.refreshToken}`,
        },
      ),
    answer: { status: 200, data: { viewer: null } },
  }),
  {
    tries: 'to be shown the plan and the SQL of an answer, as nobody',
    request: () =>
      ask(
        { url: gatewayUrl },
        '{ products(first: 1) { nodes { id } } }',
        {},
        { 'x-souk-debug': 'plan, subgraphs, sql' },
      ),
    answer: { status: 200 },
    effect: async (_scene, _given, { text }) => expect(text).not.toContain('extensions'),
  },
];

export const federation = [...strangers, ...impostors, ...representations, ...internal, ...outside];
