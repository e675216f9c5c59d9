import { gzipSync } from 'node:zlib';
import { expect, inject } from 'vitest';
import { type Attack, attack } from './attack.ts';
import { bearer, post, send } from './request.ts';

const { gatewayUrl, metricsUrls } = inject('shop');
const origin = new URL(gatewayUrl).origin;

const TYPENAME = '{"query":"{ __typename }"}';
const works = { status: 200, data: { __typename: 'Query' } };
const bad = (status: number) => ({ status, code: 'BAD_USER_INPUT' });

/** Bodies under the media type of a GraphQL request that are none. */
const bodies: Attack[] = [
  { tries: 'nothing at all', request: () => post(gatewayUrl, ''), answer: bad(400) },
  { tries: 'broken JSON', request: () => post(gatewayUrl, '{'), answer: bad(400) },
  { tries: 'a list of operations', request: () => post(gatewayUrl, `[${TYPENAME},${TYPENAME}]`), answer: bad(400) },
  { tries: 'a query that is a number', request: () => post(gatewayUrl, '{"query":1}'), answer: bad(400) },
  { tries: 'a query that is null', request: () => post(gatewayUrl, '{"query":null}'), answer: bad(400) },
  {
    tries: 'variables that are a list',
    request: () => post(gatewayUrl, '{"query":"{ __typename }","variables":[1]}'),
    answer: bad(400),
  },
  {
    tries: 'an operation name that is an object',
    request: () => post(gatewayUrl, '{"query":"{ __typename }","operationName":{}}'),
    answer: bad(400),
  },
  {
    tries: 'JSON nested a hundred thousand deep',
    request: () =>
      post(gatewayUrl, `{"query":"{ __typename }","variables":{"x":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`),
    answer: works,
  },
  {
    tries: 'a body of just 256 KiB',
    request: () => post(gatewayUrl, bodyOf(256 * 1024)),
    answer: works,
  },
  {
    tries: 'a body one byte longer',
    request: () => post(gatewayUrl, bodyOf(256 * 1024 + 1)),
    answer: bad(413),
  },
  {
    tries: 'bytes that are no UTF-8',
    request: () => post(gatewayUrl, Buffer.from([0x7b, 0x22, 0x71, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
    answer: bad(400),
  },
];

function bodyOf(bytes: number): string {
  const empty = JSON.stringify({ query: '{ __typename }', variables: { x: '' } });
  return JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(bytes - empty.length) } });
}

/** Media types, charsets and encodings. */
const forms: Attack[] = [
  ...[
    ['a form', 'application/x-www-form-urlencoded', 'query={__typename}'],
    ['a bare document', 'application/graphql', '{ __typename }'],
    ['a made-up JSON', 'application/x-json', TYPENAME],
    ['no media type', '', Buffer.from(TYPENAME)],
    ['JSON in UTF-7', 'application/json; charset=utf-7', TYPENAME],
    ['JSON in UTF-16', 'application/json; charset=utf-16', Buffer.from(TYPENAME, 'utf16le')],
    ['JSON in Latin-1', 'application/json; charset=iso-8859-1', TYPENAME],
  ].map(([form, type, body]) => ({
    tries: `${form}`,
    request: () => post(gatewayUrl, body as string, { 'content-type': `${type}` }),
    answer: bad(415),
  })),
  {
    tries: 'JSON as text, which a page of any origin may send without asking',
    request: () => post(gatewayUrl, TYPENAME, { 'content-type': 'text/plain' }),
    answer: bad(400),
  },
  {
    tries: 'JSON that says it is UTF-8, in capitals and quotes',
    request: () => post(gatewayUrl, TYPENAME, { 'content-type': 'application/json; charset="UTF-8"' }),
    answer: works,
  },
  {
    tries: 'compressed JSON',
    request: () => post(gatewayUrl, gzipSync(TYPENAME), { 'content-encoding': 'gzip' }),
    answer: bad(415),
  },
  {
    tries: 'a compressed bomb: 50 MB in 48 KB',
    request: () => post(gatewayUrl, bomb, { 'content-encoding': 'gzip' }),
    answer: bad(415),
    effect: async () => expect(await gatewayMegabytes()).toBeLessThan(1_500),
  },
  {
    tries: 'an answer as XML',
    request: () => post(gatewayUrl, TYPENAME, { accept: 'text/xml' }),
    answer: bad(406),
  },
  {
    tries: 'an answer in parts',
    request: () => post(gatewayUrl, TYPENAME, { accept: 'multipart/mixed; deferSpec=20220824' }),
    answer: bad(406),
  },
];

const bomb = gzipSync(JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(50_000_000) } }));

async function gatewayMegabytes(): Promise<number> {
  const text = await (await fetch(metricsUrls.gateway)).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]) / 1e6;
}

/** Methods and addresses. */
const places: Attack[] = [
  ...['PUT', 'PATCH', 'DELETE'].map((method) => ({
    tries: `the method ${method}`,
    request: () => send(gatewayUrl, { method, body: TYPENAME, headers: { 'content-type': 'application/json' } }),
    answer: bad(404),
  })),
  {
    tries: 'the method HEAD',
    request: () => send(gatewayUrl, { method: 'HEAD' }),
    answer: { status: 405, headers: { allow: 'POST' }, isJson: false },
  },
  {
    tries: 'an operation by GET, as a picture on another site could send it',
    request: () => send(`${gatewayUrl}?query={__typename}`),
    answer: { ...bad(405), headers: { allow: 'POST' } },
  },
  {
    tries: 'a mutation by GET, hidden in a persisted query',
    request: () => send(`${gatewayUrl}?documentId=x&query=mutation{signOut{signedOutSessionIds}}`),
    answer: bad(405),
  },
  {
    tries: 'a persisted query by GET without the header that makes browsers ask first',
    request: () => send(`${gatewayUrl}?extensions={"persistedQuery":{"version":1,"sha256Hash":"00"}}`),
    answer: { status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' },
  },
  ...[
    '/graphql/',
    '//graphql',
    '/GRAPHQL',
    '/graphql;x=1',
    '/graphql%00',
    '/admin%2fgraphql',
    '/metrics',
    '/jobs',
    '/webhooks/test-card',
    '/dev/mail',
    '/.well-known/jwks.json',
    '/.env',
    '/../../etc/passwd',
  ].map((path) => ({
    tries: `the address ${path}`,
    request: () => post(`${origin}${path}`, TYPENAME),
    answer: bad(404),
  })),
  {
    tries: 'an address that cannot be decoded',
    request: () => post(`${origin}/%zz`, TYPENAME),
    answer: bad(400),
  },
  {
    tries: 'an address of 20,000 characters',
    request: () => post(`${gatewayUrl}?${'x'.repeat(20_000)}`, TYPENAME),
    answer: bad(431),
  },
];

/** Headers that are too much, too many, or lie. */
const headers: Attack[] = [
  {
    tries: 'headers of just under 16 KiB',
    request: () => post(gatewayUrl, TYPENAME, { 'x-long': 'x'.repeat(15_500) }),
    answer: works,
  },
  {
    tries: 'headers of just over 16 KiB',
    request: () => post(gatewayUrl, TYPENAME, { 'x-long': 'x'.repeat(16_400) }),
    answer: bad(431),
  },
  {
    tries: 'a request id to forge a line of a log with',
    request: () => post(gatewayUrl, TYPENAME, { 'x-request-id': 'a"} {"level":60' }),
    answer: { ...works, headers: { 'x-request-id': /^[\da-f-]{36}$/ } },
  },
  {
    tries: 'a request id of 65 characters',
    request: () => post(gatewayUrl, TYPENAME, { 'x-request-id': 'x'.repeat(65) }),
    answer: { ...works, headers: { 'x-request-id': /^[\da-f-]{36}$/ } },
  },
  {
    tries: 'another method in a header',
    request: () =>
      send(gatewayUrl, {
        method: 'POST',
        body: TYPENAME,
        headers: { 'content-type': 'application/json', 'x-http-method-override': 'DELETE' },
      }),
    answer: works,
  },
  {
    tries: 'a password instead of a token',
    request: () => post(gatewayUrl, TYPENAME, { authorization: 'Basic YTpi' }),
    answer: { status: 401, code: 'UNAUTHENTICATED', headers: { 'www-authenticate': 'Bearer' } },
  },
  attack({
    tries: 'a good token in the address, where logs would keep it',
    request: ({ victim }) => post(`${gatewayUrl}?access_token=${victim.accessToken}`, '{"query":"{ viewer { id } }"}'),
    answer: { status: 200, data: { viewer: null } },
  }),
  attack({
    tries: 'a good token in a cookie',
    request: ({ victim }) =>
      post(gatewayUrl, '{"query":"{ viewer { id } }"}', { cookie: `authorization=Bearer ${victim.accessToken}` }),
    answer: { status: 200, data: { viewer: null } },
  }),
  attack({
    tries: 'a good token, to see whether an answer could be cached',
    request: ({ victim }) => post(gatewayUrl, '{"query":"{ viewer { id } }"}', bearer(victim.accessToken)),
    answer: { status: 200, headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } },
  }),
];

export const http = [...bodies, ...forms, ...places, ...headers];
