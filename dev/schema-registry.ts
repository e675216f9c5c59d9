import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { graphInFolder } from '@souk/schema/check/graph-sources';
import { openRegistry } from '@souk/schema/registry/open-registry';
import { graphHashOf } from '@souk/schema/registry/published-graph';
import { Problem } from './problem.ts';
import { root } from './workspaces.ts';

const schemaFolder = join(root, 'schema');

/** Where the registry of a shop is. */
export function registryOf(folder: string): string {
  return join(folder, 'registry');
}

/**
 * Puts the schema of the working tree up in the registry of a shop, unless that is what was put up last: what runs on a developer's machine serves what is on
 * its disk, whoever would feel the change.
 *
 * @returns what became of it, in a few words
 * @throws {Problem} when the schema does not compose
 */
export async function publishWorkingTree(folder: string): Promise<string> {
  const published = await openRegistry(registryOf(folder));
  const latest = await published.latest('production');
  await published.close();
  const { subgraphs } = graphInFolder(schemaFolder);
  if (latest?.hash === graphHashOf(subgraphs)) return `publication ${latest.number}`;
  // In a process of its own: to compose and to check is work for a second, in which others of this start would wait.
  const given = ['--registry', registryOf(folder), '--folder', schemaFolder];
  const by = ['--author', userInfo().username, '--reason', 'The working tree.'];
  const args = [join(schemaFolder, 'main.ts'), 'publish', ...given, ...by];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: root,
    // Nobody listens yet.
    env: { ...process.env, REDIS_URL: '' },
  }).catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Problem(`The schema cannot be published:\n${error.stdout}${error.stderr}`, { cause: error });
  });
  return `publication ${/^Published as production (\d+)/m.exec(stdout)?.[1]}, new`;
}
