import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testRedisUrl } from '@souk/dev/test-database';
import { documentHash } from '@souk/platform/document-hash';
import { createLogger } from '@souk/platform/logger';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTestGateway, type TestGateway, type TestGatewayOptions } from '../test/test-gateway.ts';

const registered = 'query Viewer { viewer { id } }';
const unregistered = 'query Other { viewer { displayName } }';
const folder = mkdtempSync(join(tmpdir(), 'souk-manifest-'));
const manifestFile = join(folder, 'manifest.json');
const logged: Record<string, unknown>[] = [];
const logger = createLogger('test', { destination: { write: (line) => logged.push(JSON.parse(line)) } });

let redisUrl: string;
let gateway: TestGateway;

function writeManifest(operations: object[], format = 'apollo-persisted-query-manifest'): void {
  // Moved into its place whole, as whoever delivers one would.
  writeFileSync(`${manifestFile}.new`, JSON.stringify({ format, version: 1, operations }));
  renameSync(`${manifestFile}.new`, manifestFile);
}

const operation = (body: string, id = documentHash(body)) => ({ id, name: 'Viewer', type: 'query', body });
const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });
const search = (sha256Hash: string) => ({ extensions: JSON.stringify(persisted(sha256Hash)) });
const isRun = { status: 200, codes: [], data: { viewer: null } };

async function open(options: Partial<TestGatewayOptions> = {}): Promise<void> {
  gateway = await openTestGateway({ redisUrl, manifestFile, logger, answer: { data: { viewer: null } }, ...options });
}

beforeAll(async () => {
  redisUrl = await testRedisUrl();
});
beforeEach(() => {
  logged.length = 0;
  writeManifest([operation(registered), operation('{ viewer { email } }', 'an id of their own')]);
});
afterEach(() => gateway.close());
afterAll(() => rmSync(folder, { recursive: true }));

describe('a registered operation', () => {
  beforeEach(() => open({ safelistMode: 'enforce' }));

  it.each([
    ['as Apollo’s clients send ids', { extensions: persisted(documentHash(registered)) }],
    ['as documentId', { documentId: documentHash(registered) }],
    ['as documentId that names its algorithm', { documentId: `sha256:${documentHash(registered)}` }],
    ['by an id that is no hash', { documentId: 'an id of their own' }],
    ['by its text', { query: registered }],
    ['by both', { query: registered, extensions: persisted(documentHash(registered)) }],
  ])('is run %s', async (_, body) => {
    expect(await gateway.post(body)).toMatchObject(isRun);
    expect(gateway.sent).toHaveLength(1);
  });

  it.each([
    ['extensions', search(documentHash(registered))],
    ['documentId', { documentId: documentHash(registered) }],
  ])('is run by GET with %s, and no cache keeps what may be private', async (_, parameters) => {
    const answer = await gateway.get(parameters);
    expect(answer).toMatchObject(isRun);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('is run with the variables beside it', async () => {
    await gateway.close();
    const body = 'query Find($q: String!) { productSuggestions(query: $q) }';
    writeManifest([operation(body)]);
    await open({ safelistMode: 'enforce' });
    const variables = JSON.stringify({});
    expect(await gateway.get({ ...search(documentHash(body)), variables })).toMatchObject({
      codes: ['BAD_USER_INPUT'],
    });
    expect(await gateway.get({ ...search(documentHash(body)), variables: '{"q":"a"}' })).toMatchObject({ codes: [] });
    expect(gateway.sent).toHaveLength(1);
  });
});

describe('an operation that is not registered', () => {
  const wishes: [string, object][] = [
    ['by its text', { query: unregistered }],
    ['by its text and hash', { query: unregistered, extensions: persisted(documentHash(unregistered)) }],
    ['by a hash', { extensions: persisted(documentHash(unregistered)) }],
    ['by an id', { documentId: 'unheard-of' }],
    ['as a registered one with a space more', { query: `${registered} ` }],
    ['under the id of a registered one', { query: unregistered, documentId: documentHash(registered) }],
    ['as what does not even parse', { query: '{' }],
  ];

  it.each(wishes)('is refused where only registered ones are run: %s', async (_, body) => {
    await open({ safelistMode: 'enforce' });
    expect(await gateway.post(body)).toMatchObject({
      status: 400,
      data: undefined,
      codes: ['PERSISTED_QUERY_NOT_ALLOWED'],
    });
    expect(gateway.sent).toEqual([]);
  });

  it('is run and written down once where it is to be noticed', async () => {
    await open({ safelistMode: 'log' });
    for (const query of [unregistered, registered, unregistered])
      expect(await gateway.post({ query })).toMatchObject({ codes: [] });
    expect(logged.filter(({ msg }) => msg === 'operation is not registered')).toEqual([
      expect.objectContaining({ endpoint: '/graphql', hash: documentHash(unregistered) }),
    ]);
  });

  it('is run where nothing is asked of it', async () => {
    await open({ safelistMode: 'off' });
    expect(await gateway.post({ query: unregistered })).toMatchObject({ codes: [] });
    expect(logged.filter(({ hash }) => hash)).toEqual([]);
  });
});

describe('a manifest', () => {
  const waitFor = (check: () => unknown) => vi.waitFor(check, { timeout: 5_000, interval: 50 });

  it('is read again when it changes', async () => {
    await open({ safelistMode: 'enforce' });
    writeManifest([operation(unregistered)]);
    await waitFor(async () => expect(await gateway.post({ query: unregistered })).toMatchObject({ codes: [] }));
    expect(await gateway.post({ query: registered })).toMatchObject({ codes: ['PERSISTED_QUERY_NOT_ALLOWED'] });
  });

  it.each([
    ['of another format', () => writeManifest([], 'another')],
    ['with two operations of one id', () => writeManifest([operation(registered), operation(registered)])],
    ['with an operation that is no GraphQL', () => writeManifest([operation('query Viewer {')])],
    ['that is no JSON', () => writeFileSync(manifestFile, '{')],
  ])('%s is refused with its reason, and the last good one stays', async (_, write) => {
    await open({ safelistMode: 'enforce' });
    write();
    await waitFor(() =>
      expect(logged).toContainEqual(
        expect.objectContaining({ msg: 'manifest refused; the last good one stays', reason: expect.any(String) }),
      ),
    );
    expect(await gateway.post({ query: registered })).toMatchObject(isRun);
  });

  it('that cannot be read at the start stops the start', async () => {
    await open();
    await expect(openTestGateway({ redisUrl, manifestFile: join(folder, 'missing.json') })).rejects.toThrow('missing');
    writeManifest([], 'another');
    await expect(openTestGateway({ redisUrl, manifestFile })).rejects.toThrow('Expected an Apollo persisted query');
  });
});
