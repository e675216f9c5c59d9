import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkCommand } from '../check/command.ts';
import { common, sdl } from '../check/test-graph.ts';
import { printed } from '../test-output.ts';
import { directoryRegistry } from './directory-registry.ts';
import { promoteCommand, publishCommand, rollbackCommand } from './publish-commands.ts';
import { diffCommand, historyCommand, showCommand } from './read-commands.ts';

const root = mkdtempSync(join(tmpdir(), 'souk-commands-'));
const folder = join(root, 'schema');
const store = join(root, 'registry');
mkdirSync(folder);
for (const [name, text] of Object.entries({ _common: common, ...sdl }))
  writeFileSync(join(folder, `${name}.graphql`), text);
mkdirSync(join(folder, 'manifests'));
const operation = {
  id: '1',
  name: 'ReadOrder',
  type: 'query',
  body: 'query ReadOrder { order(id: "1") { total { amount } } }',
};
const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations: [operation] };
writeFileSync(join(folder, 'manifests/storefront.json'), JSON.stringify(manifest));
afterAll(() => rmSync(root, { recursive: true }));

function run(command: (given: string[]) => Promise<number>, ...given: string[]) {
  return printed(() => command([...given, '--registry', store]));
}

function edit(find: string, replace: string): void {
  const file = join(folder, 'order.graphql');
  writeFileSync(file, readFileSync(file, 'utf8').replace(find, replace));
}

describe('a day with the registry', () => {
  const author = ['--author', 'noor', '--folder', folder];

  it('begins with a publication that somebody answers for', async () => {
    expect(await run(publishCommand, ...author)).toMatchObject({
      code: 1,
      text: expect.stringContaining('Nothing was published'),
    });
    expect(await run(publishCommand, ...author, '--reason', 'The first one.')).toMatchObject({
      code: 0,
      text: expect.stringContaining('Published as production 1.'),
    });
  });

  it('goes on with what adds, and shows it', async () => {
    edit('note: String\n      total', 'note: String "Where it is." place: String\n      total');
    expect((await run(checkCommand, '--folder', folder)).text).toContain('production 1 → the working tree');
    expect((await run(publishCommand, ...author)).text).toContain('Published as production 2.');
    expect((await run(publishCommand, ...author)).text).toContain('production 2 is just that already.');
    expect((await run(diffCommand, '1', '2', '--all')).text).toContain('FIELD_ADDED Order.place');
    expect((await run(showCommand, '--supergraph', 'storefront')).text).toContain('place: String');
    expect((await run(showCommand, '1', '--api', 'storefront')).text).not.toContain('place: String');
    expect(JSON.parse((await run(showCommand)).text)).toMatchObject({
      number: 2,
      author: 'noor',
      subgraphs: ['catalog', 'order', 'user'],
    });
  });

  it('holds back what an operation needs that is committed beside the SDL', async () => {
    const own = join(root, 'order.graphql');
    writeFileSync(own, readFileSync(join(folder, 'order.graphql'), 'utf8').replace('total: Money!', ''));
    const { code, text } = await run(publishCommand, '--subgraph', 'order', '--sdl', own, '--author', 'noor');
    expect(code).toBe(1);
    expect(text).toContain('operations/storefront committed: ReadOrder selects it');
    expect((await run(historyCommand)).text.split('\n')[0]).toMatch(/^ +2 /);
  });

  it('publishes one subgraph among the others', async () => {
    const own = join(root, 'order.graphql');
    writeFileSync(
      own,
      readFileSync(join(folder, 'order.graphql'), 'utf8').replace(
        'place: String',
        'place: String "How it goes." route: String',
      ),
    );
    const { code } = await run(publishCommand, '--subgraph', 'order', '--sdl', own, '--author', 'noor');
    expect(code).toBe(0);
    expect((await run(showCommand, '--subgraph', 'order')).text).toContain('route: String');
  });

  it('ends with a way back and a look at the history', async () => {
    expect(
      (await run(rollbackCommand, '--to', '2', '--reason', 'Routes are wrong.', '--author', 'noor')).text,
    ).toContain('Published as production 4.');
    expect((await run(showCommand, '--subgraph', 'order')).text).not.toContain('route: String');
    expect((await run(promoteCommand, '--from', 'production', '--to', 'staging', '--reason', 'A start.')).code).toBe(0);
    const { text } = await run(historyCommand);
    expect(text.split('\n')[0]).toMatch(/^ +4 .* noor {2}rollback of production 2 .*"Routes are wrong\."$/);
    expect((await directoryRegistry(store).history('production', 10)).map(({ number }) => number)).toEqual([
      4, 3, 2, 1,
    ]);
  });

  it.each([
    [rollbackCommand, ['--to', '1'], 2, 'Expected --reason'],
    [rollbackCommand, ['--to', 'one', '--reason', 'x'], 2, 'Expected the number'],
    [promoteCommand, ['--from', 'staging', '--to', 'staging'], 2, 'different stages'],
    [publishCommand, ['--subgraph', 'order'], 2, 'Expected --subgraph with --sdl'],
    [showCommand, ['99'], 1, 'no publication 99'],
    [showCommand, ['--api', 'public'], 2, 'Expected a contract'],
    [diffCommand, ['1'], 2, 'Expected two numbers'],
    [historyCommand, ['--stage', 'tomorrow'], 2, 'Expected a stage'],
  ])('tells what is wrong with a call', async (command, given, exitCode, sentence) => {
    await expect(run(command, ...given)).rejects.toMatchObject({
      exitCode,
      message: expect.stringContaining(sentence),
    });
  });
});
