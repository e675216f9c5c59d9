import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { sendBytes } from './attacks/raw-socket.ts';
import { newCustomer } from './client.ts';
import { counter } from './counters.ts';

const { gatewayUrl, folder, metricsUrls } = inject('shop');
const logs = join(folder, 'logs');
/** A name in GraphQL, a word in every text. */
const secret = `Secret${randomUUID().replaceAll('-', '')}`;

/** Where each log file of the shop ended before. */
function ends(): Map<string, number> {
  const files = readdirSync(logs, { recursive: true, encoding: 'utf8' }).map((file) => join(logs, file));
  return new Map(files.filter((file) => statSync(file).isFile()).map((file) => [file, statSync(file).size]));
}

function linesOf(requestId: string): Record<string, unknown>[] {
  return readFileSync(join(logs, 'gateway.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(requestId))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function send(options: {
  body?: string;
  search?: string;
  path?: string;
  headers?: Record<string, string>;
  method?: string;
}) {
  const { body, search = '', path = '/graphql', headers = {}, method = 'POST' } = options;
  const requestId = randomUUID();
  const answer = await fetch(`${new URL(gatewayUrl).origin}${path}${search}`, {
    method,
    headers: { 'content-type': 'application/json', 'x-request-id': requestId, ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { requestId, status: answer.status, text: await answer.text() };
}

const query = (text: string, variables?: object, operationName?: string) =>
  JSON.stringify({ query: text, variables, operationName });
const valid = '{ products(first: 1) { nodes { id } } }';
const signIn = (email: string, password: string) =>
  `mutation { signIn(input: { email: "${email}", password: "${password}" }) { userErrors { code } } }`;

describe('a secret is in no log of gateway or subgraphs', () => {
  let before: Map<string, number>;
  const sent: string[] = [];
  beforeAll(() => {
    before = ends();
  });

  it.each<[string, Parameters<typeof send>[0]]>([
    [
      'in a variable',
      {
        body: query('query Q($query: String!) { productSearch(query: $query, first: 1) { nodes { id } } }', {
          query: secret,
        }),
      },
    ],
    [
      'in a variable of the wrong type',
      { body: query('query Q($first: Int) { products(first: $first) { nodes { id } } }', { first: secret }) },
    ],
    ['in a variable that nobody asks for', { body: query(valid, { [secret]: secret }) }],
    ['in a password', { body: query(signIn('nobody@test.example', secret)) }],
    ['in an e-mail address', { body: query(signIn(`${secret}@test.example`, 'x')) }],
    ['in an id', { body: query(`{ node(id: "${secret}") { id } product(id: "prod_${secret}") { id } }`) }],
    ['in a literal', { body: query(`{ productSearch(query: "${secret}", first: 1) { nodes { id } } }`) }],
    ['in a literal of the wrong type', { body: query(`{ products(first: "${secret}") { nodes { id } } }`) }],
    ['in a comment', { body: query(`# ${secret}\n${valid}`) }],
    ['in the name of the operation', { body: query(`query ${secret} ${valid}`, {}, secret) }],
    ['in the name of an operation there is not', { body: query(valid, {}, secret) }],
    ['in an alias', { body: query(`{ ${secret}: products(first: 101) { nodes { id } } }`) }],
    ['in an unknown field', { body: query(`{ ${secret} }`) }],
    ['in the name of a fragment', { body: query(`{ products(first: 1) { nodes { ...${secret} } } }`) }],
    ['in what is no GraphQL', { body: query(`{ "${secret}"`) }],
    ['in what is no JSON', { body: `{"query": ${secret}` }],
    ['in a body of another type', { body: secret, headers: { 'content-type': 'text/plain' } }],
    ['in a hash', { body: JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: secret } } }) }],
    ['in an id of a document', { body: JSON.stringify({ documentId: secret }) }],
    ['in a query string', { body: query(valid), search: `?token=${secret}` }],
    ['in a query string of GET', { method: 'GET', search: `?query=${secret}&variables=${secret}` }],
    [
      'in the variables of GET',
      {
        method: 'GET',
        search: `?documentId=x&variables=%7B%22a%22%3A%22${secret}%22%7D`,
        headers: { 'apollo-require-preflight': '1' },
      },
    ],
    ['in a path', { body: query(valid), path: `/${secret}` }],
    ['in a token', { body: query(valid), headers: { authorization: `Bearer ${secret}` } }],
    [
      'in a token with dots',
      { body: query(valid), headers: { authorization: `Bearer eyJ${secret}.${secret}.${secret}` } },
    ],
    [
      'in a cookie',
      {
        body: query(valid),
        headers: {
          cookie: `souk-refresh-token=${secret}`,
          'x-souk-refresh-token': 'cookie',
          origin: 'http://localhost',
        },
      },
    ],
    [
      'in headers',
      {
        body: query(valid),
        headers: {
          'x-api-key': secret,
          'user-agent': secret,
          referer: `http://${secret}`,
          accept: secret,
          'x-souk-debug': secret,
        },
      },
    ],
    [
      'in the name of a client that is too long',
      { body: query(valid), headers: { 'apollographql-client-name': secret.repeat(2) } },
    ],
  ])('%s', async (_, options) => {
    const { requestId, status } = await send(options);
    expect(status).toBeLessThan(500);
    sent.push(requestId);
  });

  it.each([
    ['in what is no HTTP', `${secret}\r\n\r\n`, 400],
    ['in headers that are too long', `GET / HTTP/1.1\r\nhost: a\r\nx: ${secret.repeat(600)}\r\n\r\n`, 431],
    ['in an address that is none', `GET /%zz${secret} HTTP/1.1\r\nhost: a\r\nx-request-id: no\r\n\r\n`, 400],
    ['in what is expected', `GET / HTTP/1.1\r\nhost: a\r\nexpect: ${secret}\r\n\r\n`, 417],
  ])('%s, which is told of all the same', async (_, bytes, status) => {
    const unreadable = () => counter(metricsUrls.gateway, 'souk_http_unreadable_requests_total', `status="${status}"`);
    const counted = await unreadable();
    const { errors } = await sendBytes(gatewayUrl, bytes);
    const requestId = String(errors[0]?.extensions?.['requestId']);
    sent.push(requestId);
    await vi.waitFor(() => expect(linesOf(requestId)).toHaveLength(1));
    expect(linesOf(requestId)[0]).toMatchObject({
      msg: 'request',
      endpoint: 'other',
      status,
      outcome: 'refused',
      clientIp: '127.0.0.1',
      errorCodes: ['BAD_USER_INPUT'],
    });
    expect(await unreadable()).toBe(counted + 1);
  });

  it('although each of them was told of', async () => {
    await vi.waitFor(() => {
      for (const requestId of sent) expect(linesOf(requestId).filter(({ msg }) => msg === 'request')).toHaveLength(1);
    });
    for (const [file] of ends()) {
      const written = readFileSync(file)
        .subarray(before.get(file) ?? 0)
        .toString();
      expect(written.includes(secret), file).toBe(false);
    }
  });

  it('nor in any metric', async () => {
    for (const url of Object.values(metricsUrls)) expect(await (await fetch(url)).text()).not.toContain(secret);
  });
});

it('has no warning of what the gateway is made of', () => {
  expect(readFileSync(join(logs, 'gateway.log'), 'utf8')).not.toMatch(/FSTWRN|DeprecationWarning/);
});

it('tells what subgraphs a request took, and nobody who asked', async () => {
  const customer = await newCustomer(gatewayUrl);
  const { requestId } = await send({
    body: query('query Q { viewer { displayName cart { totalQuantity } } }'),
    headers: { authorization: `Bearer ${customer.accessToken}` },
  });
  const [line] = await vi.waitFor(() => {
    const lines = linesOf(requestId).filter(({ msg }) => msg === 'request');
    expect(lines).toHaveLength(1);
    return lines;
  });
  expect(line).toMatchObject({
    endpoint: '/graphql',
    operationKind: 'query',
    viewer: 'customer',
    clientIp: '127.0.0.1',
    status: 200,
    outcome: 'answered',
    limit: 'passed',
    subgraphRequests: 2,
    subgraphMs: expect.any(Number),
    cost: expect.any(Number),
  });
  expect(line?.['subgraphMs']).toBeGreaterThan(0);
  expect(JSON.stringify(line)).not.toContain(customer.userId);
});

it('tells of a client that hung up, once', async () => {
  const requestId = randomUUID();
  const impatience = new AbortController();
  const asked = fetch(gatewayUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    // A password takes its time.
    body: query(signIn('customer@souk.example', 'not the password')),
    signal: impatience.signal,
  });
  setTimeout(() => impatience.abort(), 5);
  await asked.catch(() => {});
  const lines = await vi.waitFor(() => {
    const found = linesOf(requestId).filter(({ msg }) => msg === 'request');
    expect(found).toHaveLength(1);
    return found;
  });
  expect(['hung-up', 'answered']).toContain(lines[0]?.['outcome']);
});

it('writes nothing of those who only see whether it works', async () => {
  const requestId = randomUUID();
  await fetch(`${new URL(gatewayUrl).origin}/readyz`, { headers: { 'x-request-id': requestId } });
  const { requestId: later } = await send({ body: query(valid) });
  await vi.waitFor(() => expect(linesOf(later).length).toBeGreaterThan(0));
  expect(linesOf(requestId)).toEqual([]);
});
