import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Problem } from '../problem.ts';
import type { Report } from './check.ts';
import { checkCommand } from './command.ts';
import { before, common, sdl } from './test-graph.ts';

/** A repository whose first commit is the shop of the tests, with one operation registered. */
const repository = mkdtempSync(join(tmpdir(), 'souk-check-'));
const folder = join(repository, 'schema');
const git = (...given: string[]) =>
  execFileSync('git', ['-C', repository, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...given]);
const body = 'query ReadOrder { order(id: "1") { status total { amount } } }';
const files = {
  '_common.graphql': common,
  ...Object.fromEntries(Object.entries(sdl).map(([name, text]) => [`${name}.graphql`, text])),
  'api/storefront.graphql': before.apis?.storefront ?? '',
  'api/admin.graphql': before.apis?.admin ?? '',
  'manifests/storefront.json': JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: [{ id: '1', name: 'ReadOrder', type: 'query', body }],
  }),
};
for (const [file, text] of Object.entries(files)) {
  mkdirSync(join(folder, file, '..'), { recursive: true });
  writeFileSync(join(folder, file), text);
}
git('init', '-q', '-b', 'main');
git('add', '.');
git('commit', '-q', '-m', 'The schema');
afterAll(() => rmSync(repository, { recursive: true }));
beforeEach(() => void git('checkout', '-q', '.'));

/** Runs the command on the repository, and reads what it wrote as JSON. */
async function run(...given: string[]): Promise<{ code: number; report: Report }> {
  const file = join(repository, 'report.json');
  const code = await checkCommand(['--folder', folder, '--no-cache', '--format', `json=${file}`, ...given]);
  return { code, report: JSON.parse(readFileSync(file, 'utf8')) };
}

function edit(find: string, replace: string): string {
  const file = join(folder, 'order.graphql');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain(find);
  writeFileSync(file, text.replace(find, replace));
  return file;
}

const total = 'total: Money!\n';

describe('checking a working tree', () => {
  it('passes what is committed', async () => {
    const { code, report } = await run();
    expect(code).toBe(0);
    expect(report).toMatchObject({ passed: true, changes: [], operations: 1 });
  });

  it('refuses what a registered operation would feel, and says since when it is registered', async () => {
    edit(total, '');
    const { code, report } = await run('--base', 'main');
    expect(code).toBe(1);
    const [change] = report.changes;
    expect(change).toMatchObject({ kind: 'FIELD_REMOVED', coordinate: 'Order.total', verdict: 'breaking' });
    expect(change?.feltBy).toEqual([
      expect.objectContaining({
        client: 'operations/storefront',
        operation: 'ReadOrder',
        since: expect.stringContaining(new Date().toISOString().slice(0, 4)),
      }),
    ]);
  });

  it('lets an approved change pass', async () => {
    edit(total, '');
    const approval = { change: 'FIELD_REMOVED Order.total', reason: 'Nobody shows it.', until: '2999-01-01' };
    writeFileSync(join(folder, 'approved-changes.json'), JSON.stringify([approval]));
    const { code } = await run();
    rmSync(join(folder, 'approved-changes.json'));
    expect(code).toBe(0);
  });

  it('fails on what is dangerous when told to', async () => {
    edit('note: String\n', '\n');
    expect((await run()).code).toBe(0);
    expect((await run('--fail-on', 'dangerous')).code).toBe(1);
  });
});

describe('checking one subgraph', () => {
  it('composes its SDL with what is published of the others, not with what lies around', async () => {
    const proposed = join(repository, 'proposed.graphql');
    writeFileSync(proposed, readFileSync(join(folder, 'order.graphql'), 'utf8').replace(total, ''));
    edit('type Order @key', 'type type Order @key');
    const { code, report } = await run('--subgraph', 'order', '--sdl', proposed);
    expect(code).toBe(1);
    expect(report.changes.map(({ coordinate }) => coordinate)).toEqual(['Order.total']);
    rmSync(proposed);
  });

  it('asks a running one for its SDL, with the headers it wants', async () => {
    const common = readFileSync(join(folder, '_common.graphql'), 'utf8');
    const sdl = common + readFileSync(join(folder, 'order.graphql'), 'utf8').replace(total, '');
    const server = createServer((request, response) => {
      const isKnown = request.headers['x-pass'] === 'open';
      response.statusCode = isKnown ? 200 : 401;
      response.end(JSON.stringify(isKnown ? { data: { _service: { sdl } } } : { errors: [] }));
    }).listen(0);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    try {
      const { code, report } = await run('--subgraph', 'order', '--url', url, '--header', 'x-pass: open');
      expect(code).toBe(1);
      expect(report.changes.map(({ coordinate }) => coordinate)).toEqual(['Order.total']);
      await expect(run('--subgraph', 'order', '--url', url)).rejects.toMatchObject({
        exitCode: 3,
        message: expect.stringContaining('got 401'),
      });
    } finally {
      server.close();
    }
  });
});

describe('what comes out', () => {
  it('can be had in several forms at once', async () => {
    edit(total, '');
    const out = (name: string) => join(repository, 'out', name);
    mkdirSync(out('.'), { recursive: true });
    await run(
      '--format',
      `sarif=${out('check.sarif')}`,
      '--format',
      `markdown=${out('check.md')}`,
      '--format',
      `github=${out('check.txt')}`,
      '--format',
      `pretty=${out('check.out')}`,
    );
    const sarif = JSON.parse(readFileSync(out('check.sarif'), 'utf8'));
    expect(sarif.runs[0].results[0]).toMatchObject({
      ruleId: 'FIELD_REMOVED',
      level: 'error',
      locations: [{ physicalLocation: { artifactLocation: { uri: expect.stringMatching(/order\.graphql$/) } } }],
    });
    expect(readFileSync(out('check.md'), 'utf8')).toMatch(/\| `FIELD_REMOVED`<br>`Order\.total`.*ReadOrder selects it/);
    expect(readFileSync(out('check.txt'), 'utf8')).toMatch(
      /^::error file=.*order\.graphql,line=\d+,title=breaking%3A FIELD_REMOVED Order\.total::/,
    );
    expect(readFileSync(out('check.out'), 'utf8')).toContain('It must not ship: 1 breaking change.');
  });
});

describe('wrong usage', () => {
  it.each([
    [['--format', 'xml'], 2, 'Expected --format to be one of pretty, json, markdown, github, sarif'],
    [['--subgraph', 'order'], 2, 'Expected --sdl or --url'],
    [['--sdl', 'x.graphql'], 2, 'Expected --subgraph'],
    [['--subgraph', 'order', '--sdl', '/nowhere.graphql'], 2, '/nowhere.graphql cannot be read'],
    [['--loudly'], 2, '--loudly'],
    [['--base', 'no-such-branch'], 3, 'no-such-branch'],
  ])('%j is told in a sentence', async (given, exitCode, sentence) => {
    const failure = await run(...given).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Problem);
    expect(failure).toMatchObject({ exitCode, message: expect.stringContaining(sentence) });
  });

  it('ends the process with its number', () => {
    const main = new URL('../main.ts', import.meta.url).pathname;
    const { status, stderr } = spawnSync(process.execPath, [main, 'chekc'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringContaining('There is no command "chekc"')]);
  });
});
