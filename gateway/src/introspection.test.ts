import { createHash } from 'node:crypto';
import { testRedisUrl } from '@souk/dev/test-database';
import type { Viewer } from '@souk/platform/identity';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTestGateway, type TestGateway } from '../test/test-gateway.ts';

let open: TestGateway;
let closed: TestGateway;
let viewer: Viewer | null;

const person = (...scopes: string[]): Viewer => ({
  userId: 'user_1',
  sessionId: 'sess_1',
  roles: [],
  scopes: new Set(scopes),
});

beforeAll(async () => {
  const redisUrl = await testRedisUrl();
  open = await openTestGateway({ redisUrl });
  closed = await openTestGateway({ redisUrl, introspection: false, authenticate: async () => viewer });
});
afterAll(async () => {
  await open?.close();
  await closed?.close();
});
beforeEach(() => {
  viewer = null;
});

const SCHEMA = '{ __schema { queryType { name } } }';

describe('the schema', () => {
  it.each([
    ['everything', getIntrospectionQuery()],
    ['a part of it', SCHEMA],
    ['one type', '{ __type(name: "User") { name } }'],
    ['something by another name', '{ products(first: 1) { nodes { id } } harmless: __schema { queryType { name } } }'],
    ['it through a fragment', '{ ...F } fragment F on Query { __schema { queryType { name } } }'],
    ['it through a fragment without a name', '{ ... on Query { ... { __type(name: "Query") { name } } } }'],
    ['it in a second operation', 'query A { __typename } query B { __schema { queryType { name } } }'],
    ['it in a fragment that nothing uses', '{ __typename } fragment F on Query { __schema { queryType { name } } }'],
    ['it where it is not', '{ viewer { __schema { queryType { name } } } }'],
    ['it unless it is left out', 'query ($no: Boolean = false) { __schema @include(if: $no) { queryType { name } } }'],
    ['it as if to change it', 'mutation { __schema { queryType { name } } }'],
  ])('is hidden in production from who asks for %s', async (_, query) => {
    const nobody = await closed.post({ query, operationName: query.includes('query B') ? 'A' : undefined });
    expect(nobody).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'], data: undefined });
    viewer = person('access:read', 'access:write', 'job:read');
    const staff = await closed.post({ query });
    expect(staff).toMatchObject({ status: 403, codes: ['FORBIDDEN'], data: undefined });
    expect(nobody.text + staff.text).not.toMatch(/queryType|Query"/);
  });

  it('is shown there to staff with the scope, and to nobody after them', async () => {
    viewer = person('schema:read');
    expect(await closed.post({ query: SCHEMA })).toMatchObject({
      status: 200,
      data: { __schema: { queryType: { name: 'Query' } } },
    });
    expect((await closed.post({ query: getIntrospectionQuery() })).codes).toEqual([]);
    viewer = null;
    expect((await closed.post({ query: SCHEMA })).codes).toEqual(['UNAUTHENTICATED']);
    expect((await closed.post({ query: getIntrospectionQuery() })).codes).toEqual(['UNAUTHENTICATED']);
  });

  it('is hidden from ids of documents as well', async () => {
    const sha256Hash = createHash('sha256').update(SCHEMA).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    viewer = person('schema:read');
    expect((await closed.post({ query: SCHEMA, extensions })).codes).toEqual([]);
    viewer = null;
    expect((await closed.post({ extensions })).codes).toEqual(['UNAUTHENTICATED']);
    expect((await closed.get({ extensions: JSON.stringify(extensions) })).codes).toEqual(['UNAUTHENTICATED']);
  });

  it('is not given away by mistakes: nothing is suggested', async () => {
    const { messages } = await closed.post({ query: '{ product { i } produkts { id } }' });
    expect(messages.join()).not.toMatch(/Did you mean|products|productSearch/);
  });

  it('leaves __typename to everybody', async () => {
    expect(await closed.post({ query: '{ __typename }' })).toMatchObject({ data: { __typename: 'Query' } });
  });

  it('is for everybody elsewhere', async () => {
    expect((await open.post({ query: getIntrospectionQuery() })).codes).toEqual([]);
  });
});
