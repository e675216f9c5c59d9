import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { removeFolderAfterwards } from './child.ts';
import { openStores } from './stores.ts';

/**
 * Vitest's global setup: one MySQL and one Redis for the whole run, private to it and gone afterwards. They share nothing with a running shop.
 * `SOUK_TEST_MYSQL_ADMIN_URL` and `SOUK_TEST_REDIS_URL` name stores to use instead.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'souk-test-'));
  removeFolderAfterwards(folder);
  const stores = await openStores({
    folder,
    configured: { mysql: process.env['SOUK_TEST_MYSQL_ADMIN_URL'], redis: process.env['SOUK_TEST_REDIS_URL'] },
    durability: 'disposable',
    say: (text) => process.stderr.write(`${text}\n`),
  });
  project.provide('mysqlAdminUrl', stores.mysqlAdminUrl);
  project.provide('redisUrl', stores.redisUrl);
  return stores.stop;
}

declare module 'vitest' {
  export interface ProvidedContext {
    mysqlAdminUrl: string;
    redisUrl: string;
  }
}
