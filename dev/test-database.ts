import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { inject } from 'vitest';
import { type DatabaseOwner, dropDatabase, prepareDatabase } from './databases.ts';
import './test-stores.ts';

export interface TestDatabase {
  /** What the service itself would connect with: the account with only the rights it needs. */
  url: string;
  /** The same database through the administrator's account, for tests that must corrupt a row or look past the service. */
  adminUrl: string;
  drop(): Promise<void>;
}

/** A fresh, migrated database of one subgraph, or of the registry, shared with no other test file. */
export async function createTestDatabase(subgraph: DatabaseOwner): Promise<TestDatabase> {
  const mysqlAdminUrl = inject('mysqlAdminUrl');
  const name = `test_${randomBytes(5).toString('hex')}_${subgraph}`;
  const url = await prepareDatabase(mysqlAdminUrl, { subgraph, name, password: randomBytes(12).toString('base64url') });
  const adminUrl = new URL(mysqlAdminUrl);
  adminUrl.pathname = `/${name}`;
  return { url, adminUrl: adminUrl.href, drop: () => dropDatabase(mysqlAdminUrl, name) };
}

/** An empty database without tables or migrations, for tests of the platform itself; its account may create tables. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const mysqlAdminUrl = inject('mysqlAdminUrl');
  const name = `test_${randomBytes(5).toString('hex')}`;
  const { createConnection } = await import('mysql2/promise');
  const admin = await createConnection({ uri: mysqlAdminUrl });
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`);
  await admin.end();
  const url = new URL(mysqlAdminUrl);
  url.pathname = `/${name}`;
  return { url: url.href, adminUrl: url.href, drop: () => dropDatabase(mysqlAdminUrl, name) };
}

/**
 * The URL of a Redis database nobody else uses: keys of parallel test files never meet. Channels of publish/subscribe are not divided
 * this way, because Redis does not divide them.
 */
export async function testRedisUrl(): Promise<string> {
  const shared = new URL(inject('redisUrl'));
  shared.pathname = '/0';
  const redis = new Redis(shared.href);
  const taken = await redis.incr('souk:test:databases');
  await redis.quit();
  shared.pathname = `/${taken}`;
  return shared.href;
}
