import { expect } from 'vitest';
import type { Attack } from './attack.ts';
import { ask, post, send } from './request.ts';
import { type StrictGateway, TRUSTED_ORIGIN } from './strict-gateway.ts';

/** Pages of other sites, and strangers who want to see the schema, at a gateway set as in production. */
export function pages(gateway: () => StrictGateway): Attack[] {
  const TYPENAME = '{"query":"{ __typename }"}';
  const asks = (origin: string) =>
    send(gateway().url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
  const noPermission = { 'access-control-allow-origin': null, 'access-control-allow-credentials': null };
  const introspect = (query: string, accessToken?: string) =>
    ask({ url: gateway().url, ...(accessToken ? { accessToken } : {}) }, query);

  const origins: Attack[] = [
    {
      tries: 'whether the trusted origin may call, which it may',
      request: () => asks(TRUSTED_ORIGIN),
      answer: { status: 204, isJson: false, headers: { 'access-control-allow-origin': TRUSTED_ORIGIN } },
    },
    ...[
      'https://evil.example',
      'null',
      `${TRUSTED_ORIGIN}.evil.example`,
      'https://evil-shop.example',
      'http://shop.example',
      `${TRUSTED_ORIGIN}:8443`,
      'https://shop.example@evil.example',
      '*',
    ].map((origin) => ({
      tries: `whether pages of the origin ${origin} may call`,
      request: () => asks(origin),
      answer: { status: 404, code: 'BAD_USER_INPUT', headers: noPermission },
    })),
    {
      tries: 'to read an answer from another origin',
      request: () => post(gateway().url, TYPENAME, { origin: 'https://evil.example' }),
      answer: { status: 200, headers: { ...noPermission, vary: /origin/i } },
    },
    {
      tries: 'to have a refresh token kept for a page on the machine of whoever looks at it',
      request: () =>
        post(gateway().url, TYPENAME, { origin: 'http://localhost:3000', 'x-souk-refresh-token': 'cookie' }),
      answer: { status: 403, code: 'FORBIDDEN', headers: { 'set-cookie': null } },
    },
  ];

  const schema: Attack[] = [
    {
      tries: 'to see the schema as nobody',
      request: () => introspect('{ __schema { types { name } } }'),
      answer: { status: 401, code: 'UNAUTHENTICATED' },
    },
    {
      tries: 'to see one type as nobody',
      request: () => introspect('{ __type(name: "User") { fields { name } } }'),
      answer: { status: 401, code: 'UNAUTHENTICATED' },
    },
    {
      tries: 'to see the schema under another name',
      request: () => introspect('{ a: __schema { types { name } } }'),
      answer: { status: 401, code: 'UNAUTHENTICATED' },
    },
    {
      tries: 'to see the schema in a fragment that nothing uses',
      request: () => introspect('{ __typename } fragment F on Query { __schema { types { name } } }'),
      answer: { status: 401, code: 'UNAUTHENTICATED' },
    },
    {
      tries: 'to see the schema as a customer',
      request: ({ victim }) => introspect('{ __schema { types { name } } }', victim.accessToken),
      answer: { status: 403, code: 'FORBIDDEN' },
    },
    {
      tries: 'to see the schema as staff without the scope',
      request: ({ staff }) => introspect('{ __schema { types { name } } }', staff.SUPPORT.accessToken),
      answer: { status: 403, code: 'FORBIDDEN' },
    },
    {
      tries: 'to see the schema as an administrator, who may',
      request: ({ admin }) => introspect('{ __schema { queryType { name } } }', admin.accessToken),
      answer: { status: 200, data: { __schema: { queryType: { name: 'Query' } } } },
    },
    ...[
      '{ productz { id } }',
      '{ products(fist: 1) { nodes { id } } }',
      '{ products(sortKey: BEST_SELLIN) { nodes { id } } }',
    ].map((query) => ({
      tries: `to be told what was meant by ${query}`,
      request: () => introspect(query),
      answer: { status: 400, code: 'GRAPHQL_VALIDATION_FAILED' },
      effect: async (_scene: unknown, _given: unknown, { text }: { text: string }) =>
        expect(text).not.toMatch(/\b(product|first|BEST_SELLING)\b/),
    })),
    {
      tries: 'to be told what an input lacks, by sending nothing of it',
      request: () =>
        ask({ url: gateway().url }, 'mutation ($input: SignUpInput!) { signUp(input: $input) { user { id } } }', {
          input: {},
        }),
      answer: { status: 400, code: 'BAD_USER_INPUT' },
    },
  ];

  return [...origins, ...schema];
}
