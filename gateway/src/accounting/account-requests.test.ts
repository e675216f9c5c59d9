import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testRedisUrl } from '@souk/dev/test-database';
import { documentHash } from '@souk/platform/document-hash';
import { type DoorLimits, defaultDoorLimits } from '@souk/platform/door-limits';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { register } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestGateway } from '../../test/test-gateway.ts';

const registered = 'query RegisteredViewer { viewer { id } }';
const unregistered = 'query secretName { viewer { secretAlias: id } }';
const folder = mkdtempSync(join(tmpdir(), 'souk-accounting-'));
const manifestFile = join(folder, 'manifest.json');
const lines: Record<string, unknown>[] = [];
const logger = createLogger('gateway', { destination: { write: (line) => lines.push(JSON.parse(line)) } });
let gateway: TestGateway;
let viewer: Viewer | null | SoukError;
let limits: DoorLimits;

const person = (...roles: string[]): Viewer => ({ userId: 'user_1', sessionId: 'sess_1', roles, scopes: new Set() });
const answered = { status: 200, outcome: 'answered', limit: 'passed' };

beforeAll(async () => {
  const operation = { id: documentHash(registered), name: 'RegisteredViewer', type: 'query', body: registered };
  writeFileSync(
    manifestFile,
    JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: [operation] }),
  );
  gateway = await openTestGateway({
    redisUrl: await testRedisUrl(),
    manifestFile,
    logger,
    doorLimits: () => limits,
    answer: { data: { viewer: null } },
    async authenticate() {
      if (viewer instanceof SoukError) throw viewer;
      return viewer;
    },
  });
});
beforeEach(() => {
  viewer = null;
  limits = defaultDoorLimits;
  lines.length = 0;
  register.resetMetrics();
});
afterAll(async () => {
  await gateway?.close();
  rmSync(folder, { recursive: true });
});

/** The line of the one request there was. */
function line(): Promise<Record<string, unknown>> {
  return vi.waitFor(() => {
    const requests = lines.filter(({ msg }) => msg === 'request');
    expect(requests).toHaveLength(1);
    return requests[0] as Record<string, unknown>;
  });
}

async function series(metric: string): Promise<object[]> {
  const { values = [] } = (await register.getSingleMetric(metric)?.get()) ?? {};
  return values.filter(({ value }) => value > 0).map(({ labels, value }) => ({ ...labels, value }));
}

describe('a request is told of once', () => {
  it('with what was found out about it, and a registered operation by its name', async () => {
    const body = { query: registered };
    const headers = {
      'x-request-id': 'request-0001',
      'apollographql-client-name': 'storefront',
      'apollographql-client-version': '1.2.3',
    };
    await gateway.post(body, headers, '198.51.100.7');
    expect(await line()).toEqual({
      level: 'info',
      time: expect.any(String),
      name: 'gateway',
      msg: 'request',
      requestId: 'request-0001',
      endpoint: '/graphql',
      method: 'POST',
      operation: 'RegisteredViewer',
      operationKind: 'query',
      clientName: 'storefront',
      clientVersion: '1.2.3',
      clientIp: '198.51.100.7',
      viewer: 'anonymous',
      ...answered,
      durationMs: expect.any(Number),
      requestBytes: JSON.stringify(body).length,
      responseBytes: '{"data":{"viewer":null}}\n'.length,
      cost: 1,
      subgraphRequests: 0,
      subgraphMs: 0,
    });
    const labels = { endpoint: '/graphql', operation: 'RegisteredViewer' };
    expect(await series('souk_operations_total')).toEqual([{ ...labels, outcome: 'answered', value: 1 }]);
    expect(await series('souk_operation_duration_seconds')).toContainEqual(expect.objectContaining(labels));
  });

  it('with the hash of what is not registered, which is one with all of its kind in metrics', async () => {
    await gateway.post({ query: unregistered });
    expect(await line()).toMatchObject({ ...answered, operation: documentHash(unregistered), operationKind: 'query' });
    expect(JSON.stringify(lines)).not.toContain('secret');
    expect(await series('souk_operations_total')).toMatchObject([{ operation: 'other' }]);
    expect(await register.metrics()).not.toContain('secret');
  });

  it.each<[string, Viewer | null, string]>([
    ['nobody in particular', null, 'anonymous'],
    ['a customer', person('CUSTOMER'), 'customer'],
    ['staff', person('CUSTOMER', 'SUPPORT'), 'staff'],
  ])('with the kind of viewer, and not who it is: %s', async (_, asking, kind) => {
    viewer = asking;
    await gateway.post({ query: registered });
    expect(await line()).toMatchObject({ viewer: kind });
    expect(JSON.stringify(lines)).not.toContain('user_1');
  });

  it.each<[string, object, number, string, string]>([
    ['no GraphQL', { query: '{' }, 400, 'GRAPHQL_PARSE_FAILED', 'none'],
    ['an unknown field', { query: '{ secret }' }, 400, 'GRAPHQL_VALIDATION_FAILED', 'other'],
    ['an unknown hash', { documentId: 'secret' }, 200, 'PERSISTED_QUERY_NOT_FOUND', 'none'],
    ['no such operation', { query: '{ __typename }', operationName: 'secret' }, 400, 'BAD_USER_INPUT', 'other'],
    [
      'several operations and no name',
      { query: 'query A { __typename } query B { __typename }' },
      400,
      'BAD_USER_INPUT',
      'other',
    ],
    ['no document', { secret: 1 }, 400, 'BAD_USER_INPUT', 'none'],
  ])('with the codes of its errors: %s', async (_, body, status, code, operation) => {
    await gateway.post(body);
    expect(await line()).toMatchObject({ status, errorCodes: [code], outcome: status === 200 ? 'errors' : 'refused' });
    expect(await series('souk_operation_errors_total')).toEqual([{ endpoint: '/graphql', operation, code, value: 1 }]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('before it is known who asks', async () => {
    viewer = new SoukError('UNAUTHENTICATED', 'Expected another token.');
    await gateway.post({ query: registered });
    const told = await line();
    expect(told).toMatchObject({ status: 401, errorCodes: ['UNAUTHENTICATED'], outcome: 'refused' });
    expect(told).not.toHaveProperty('viewer');
    expect(told).not.toHaveProperty('operation');
  });

  it('with the limit that refused it, whichever that was', async () => {
    const one = { points: 1, windowSeconds: 60 };
    limits = { ...defaultDoorLimits, address: one };
    await gateway.post({ query: registered }, {}, '198.51.100.8');
    lines.length = 0;
    await gateway.post({ query: registered }, {}, '198.51.100.8');
    expect(await line()).toMatchObject({ status: 429, limit: 'address', outcome: 'refused' });

    lines.length = 0;
    limits = { ...defaultDoorLimits, rootFields: [{ name: 'viewer', ...one }] };
    await gateway.post({ query: '{ a: viewer { id } b: viewer { id } }' }, {}, '198.51.100.9');
    await gateway.post({ query: '{ a: viewer { id } b: viewer { id } }' }, {}, '198.51.100.9');
    await vi.waitFor(() => expect(lines.at(-1)).toMatchObject({ status: 429, limit: 'root-field' }));
  });

  it('although it is none of GraphQL, and then not among operations', async () => {
    await gateway.postText('{"query":"secret');
    expect(await line()).toMatchObject({ status: 400, errorCodes: ['BAD_USER_INPUT'], endpoint: '/graphql' });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});

it.each([
  ['too long', 'x'.repeat(65)],
  ['with a line of its own', 'a\nb'],
  ['with what could be anything', 'a={"b"}'],
])('a client has no name rather than one %s', async (_, name) => {
  await gateway.post({ query: registered }, { 'apollographql-client-name': name, 'graphql-client-version': '1' });
  const told = await line();
  expect(told).not.toHaveProperty('clientName');
  expect(told).toHaveProperty('clientVersion', '1');
});

it('tells how many documents are known, and how often one was', async () => {
  const query = '{ viewer { displayName id } }';
  await gateway.post({ query });
  await gateway.post({ query });
  expect(await series('souk_document_requests_total')).toEqual([
    { endpoint: '/graphql', source: 'parser', value: 1 },
    { endpoint: '/graphql', source: 'memory', value: 1 },
  ]);
  expect(await series('souk_documents_known')).toEqual([{ endpoint: '/graphql', value: expect.any(Number) }]);
});
