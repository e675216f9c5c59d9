import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { directoryRegistry } from '../registry/directory-registry.ts';
import { printed } from '../test-output.ts';
import type { OperationsReport } from './check-operations.ts';
import { operationsCommand } from './command.ts';

/** A client's sources; they are checked against this shop's own contract. */
const client = mkdtempSync(join(tmpdir(), 'souk-client-'));
afterAll(() => rmSync(client, { recursive: true }));

let files = 0;
function source(text: string, extension: 'ts' | 'tsx' | 'graphql'): string {
  const file = join(client, `src-${++files}`, `file.${extension}`);
  mkdirSync(join(file, '..'));
  writeFileSync(file, text);
  return file;
}

async function run(...given: string[]): Promise<{ code: number; report: OperationsReport }> {
  const { code, text } = await printed(() => operationsCommand([...given, '--format', 'json']));
  return { code, report: JSON.parse(text) };
}

const fragment = source('fragment Price on Product {\n  id\n  title\n}\n', 'graphql');
const page = source(
  "import { gql } from 'graphql-tag';\n\nexport const page = gql`\n  query ProductPage($id: ID!) {\n    product(id: $id) {\n      ...Price\n    }\n  }\n`;\n",
  'tsx',
);

describe('checking the operations of a client', () => {
  it('reads documents and tags in code, puts fragments of other files in, and tells what they cost', async () => {
    const called = source('export const who = graphql(`query Who { viewer { id } }`);\n', 'ts');
    const { code, report } = await run(page, fragment, called);
    expect(report).toEqual({
      passed: true,
      faults: [],
      deprecations: [],
      operations: expect.arrayContaining([
        { name: 'ProductPage', type: 'query', cost: expect.any(Number) },
        { name: 'Who', type: 'query', cost: expect.any(Number) },
      ]),
    });
    expect(report.operations[0]?.cost).toBeGreaterThan(0);
    expect(code).toBe(0);
  });

  it('refuses what the gateway would refuse, with file and line', async () => {
    const wrong = source(
      'const x = 1;\nconst a = /* GraphQL */ `\n  query Wrong {\n    product(id: 1) { colour }\n  }\n`;\n',
      'ts',
    );
    const { code, report } = await run(wrong);
    expect(code).toBe(1);
    expect(report.faults).toEqual([{ message: expect.stringContaining('"colour"'), place: { file: wrong, line: 4 } }]);
  });

  it('shows the storefront nothing of staff', async () => {
    const staff = source('query Staff { orders(first: 1) { nodes { staffNote } } }', 'graphql');
    expect((await run(staff)).code).toBe(1);
    expect((await run(staff, '--contract', 'admin')).code).toBe(0);
  });

  it('tells of operations without a name, of names that are taken, and of what is no GraphQL', async () => {
    const unnamed = source('{ viewer { id } }', 'graphql');
    const again = source('query ProductPage { viewer { id } }', 'graphql');
    const broken = source('query Broken { viewer {', 'graphql');
    const { code, report } = await run(unnamed, again, broken, page, fragment);
    expect(code).toBe(1);
    expect(report.faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/Syntax Error/),
      expect.stringMatching(/needs a name/),
      expect.stringMatching(/two of the name "ProductPage"/),
    ]);
  });

  it('writes a manifest that gateways read, and registers it for a version of the client', async () => {
    const manifest = join(client, 'manifest.json');
    const registry = join(client, 'registry');
    const names = ['--client', 'web', '--version', '1.4.0'];
    const { code } = await run(page, fragment, '--manifest', manifest, '--register', ...names, '--registry', registry);
    expect(code).toBe(0);
    const written = JSON.parse(readFileSync(manifest, 'utf8'));
    expect(written).toMatchObject({ format: 'apollo-persisted-query-manifest', version: 1 });
    expect(written.operations).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{64}$/),
        name: 'ProductPage',
        type: 'query',
        body: expect.stringContaining('fragment Price'),
      },
    ]);
    expect(await directoryRegistry(registry).operations()).toEqual([
      expect.objectContaining({
        client: 'web',
        version: '1.4.0',
        name: 'ProductPage',
        body: written.operations[0].body,
      }),
    ]);
  });

  it('registers nothing that is not valid', async () => {
    const registry = join(client, 'untouched');
    const wrong = source('query Wrong { nothing }', 'graphql');
    const names = ['--client', 'web', '--version', '1.4.0'];
    expect((await run(wrong, '--register', ...names, '--registry', registry)).code).toBe(1);
    expect(await directoryRegistry(registry).operations()).toEqual([]);
  });

  it.each([
    [[], 'Expected the files'],
    [['/nowhere/*.ts'], 'No file fits'],
    [['x.ts', '--contract', 'public'], 'Expected --contract to be one of storefront, admin'],
    [['x.ts', '--register'], 'Expected --client and --version'],
  ])('tells what is wrong with %j', async (given, sentence) => {
    await expect(operationsCommand(given)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(sentence),
    });
  });
});
