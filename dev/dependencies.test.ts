import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './workspaces.ts';

interface Lock {
  packages: Record<string, { version?: string; resolved?: string; link?: boolean }>;
}

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
const versionsOf = (name: string) =>
  Object.entries(lock.packages)
    .filter(([path]) => path.endsWith(`node_modules/${name}`))
    .map(([, { version = '' }]) => version);

/** Below these, known holes are open. */
const floors: Record<string, string> = {
  // Prototype pollution through a client's operation (CVSS 9.9).
  '@apollo/gateway': '2.13.2',
  '@apollo/query-planner': '2.13.2',
  // Denial of service by a request of another character set.
  '@apollo/server': '5.5.0',
  // SQL injection through identifiers.
  'drizzle-orm': '0.45.2',
};

describe('the lock file', () => {
  it.each(Object.entries(floors))('has %s at %s or newer, once', (name, floor) => {
    const versions = versionsOf(name);
    expect(versions).toHaveLength(1);
    expect(versions[0]?.localeCompare(floor, 'en', { numeric: true })).toBeGreaterThanOrEqual(0);
  });

  it('has one copy of graphql, because two cannot recognise each other', () => {
    expect(versionsOf('graphql')).toHaveLength(1);
  });

  it('names no host, so that every mirror serves', () => {
    const hosts = Object.values(lock.packages).filter(({ resolved, link }) => resolved && !link);
    expect(hosts).toEqual([]);
  });
});
