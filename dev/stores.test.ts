import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { freePort } from './free-port.ts';
import { isAlive } from './is-alive.ts';
import { Problem } from './problem.ts';
import { openStores, type StoreOptions } from './stores.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'souk-stores-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open = (options: Partial<StoreOptions> = {}) =>
  openStores({ folder, configured: {}, durability: 'kept', ...options });

describe('private stores', () => {
  it('keep their data and their URLs from one start to the next', async () => {
    const first = await open();
    await query(first.mysqlAdminUrl, 'CREATE DATABASE kept');
    await query(first.mysqlAdminUrl, 'CREATE TABLE kept.rows_ AS SELECT 42 AS answer');
    await withRedis(first.redisUrl, (redis) => redis.set('kept', 'yes'));
    await first.stop();

    const second = await open();
    expect(second).toMatchObject({ mysqlAdminUrl: first.mysqlAdminUrl, redisUrl: first.redisUrl });
    expect(await query(second.mysqlAdminUrl, 'SELECT answer FROM kept.rows_')).toEqual([{ answer: 42 }]);
    expect(await withRedis(second.redisUrl, (redis) => redis.get('kept'))).toBe('yes');
    await second.stop();
    expect(await ends(serverPid())).toBe(true);
  });

  it('let nobody in without a password', async () => {
    const stores = await open();
    const { port } = new URL(stores.mysqlAdminUrl);
    for (const user of ['root', '', 'souk_admin']) {
      const attempt = createConnection({ host: '127.0.0.1', port: Number(port), user });
      await expect(attempt, `as "${user}"`).rejects.toThrow(/Access denied/);
    }
    const nobody = new URL(stores.redisUrl);
    nobody.password = '';
    await expect(withRedis(nobody.href, (redis) => redis.get('kept'))).rejects.toThrow(/NOAUTH/);
    await stores.stop();
  });

  it('speak UTF-8 of four bytes and UTC', async () => {
    const stores = await open();
    const [settings] = await query(
      stores.mysqlAdminUrl,
      'SELECT @@character_set_server AS charset, @@time_zone AS zone',
    );
    expect(settings).toEqual({ charset: 'utf8mb4', zone: '+00:00' });
    await stores.stop();
  });

  it('end when the process that started them is killed', async () => {
    const program = `
      import { openStores } from ${JSON.stringify(fileURLToPath(new URL('stores.ts', import.meta.url)))};
      await openStores({ folder: ${JSON.stringify(folder)}, configured: {}, durability: 'kept' });
      console.log('open');`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    const pid = serverPid();
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await ends(pid)).toBe(true);
  });
});

describe('configured stores', () => {
  it('are used as they are and left running', async () => {
    const configured = { mysql: inject('mysqlAdminUrl'), redis: inject('redisUrl') };
    const stores = await open({ configured });
    expect(stores).toMatchObject({
      mysqlAdminUrl: configured.mysql,
      origin: { mysql: 'configured', redis: 'configured' },
    });
    await stores.stop();
    expect(await query(configured.mysql, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('that refuse the password are told by the name of the variable to correct', async () => {
    const mysql = new URL(inject('mysqlAdminUrl'));
    mysql.password = 'wrong';
    const redis = new URL(inject('redisUrl'));
    redis.password = 'wrong';
    await expectProblem(
      { mysql: mysql.href, redis: inject('redisUrl') },
      /refuses the user and password of SOUK_MYSQL_ADMIN_URL/,
    );
    await expectProblem(
      { mysql: inject('mysqlAdminUrl'), redis: redis.href },
      /refuses the password of SOUK_REDIS_URL/,
    );
  });

  it('that do not answer are told with their place and the ways out', async () => {
    const port = await freePort();
    await expectProblem(
      { mysql: `mysql://root@127.0.0.1:${port}`, redis: inject('redisUrl') },
      new RegExp(`No MySQL answers at 127.0.0.1:${port}, which SOUK_MYSQL_ADMIN_URL names: start it`),
    );
    await expectProblem({ mysql: inject('mysqlAdminUrl'), redis: `redis://127.0.0.1:${port}` }, /No Redis answers/);
  });

  it('must be URLs', async () => {
    await expectProblem(
      { mysql: 'localhost', redis: inject('redisUrl') },
      /SOUK_MYSQL_ADMIN_URL must be a URL such as mysql:/,
    );
  });

  async function expectProblem(configured: StoreOptions['configured'], message: RegExp): Promise<void> {
    const attempt = await open({ configured }).catch((error: unknown) => error);
    expect(attempt).toBeInstanceOf(Problem);
    expect(attempt).toHaveProperty('message', expect.stringMatching(message));
  }
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const connection = await createConnection({ uri: url });
  const [rows] = await connection.query(sql);
  await connection.end();
  return Array.isArray(rows) ? rows : [];
}

async function withRedis<Result>(url: string, work: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url);
  redis.on('error', () => {});
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** The server writes its process id into its data folder and removes it when it ends in order. */
function serverPid(): number {
  const file = join(folder, 'mysql', 'data', 'server.pid');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

async function ends(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 200 && isAlive(pid); attempt++) await delay(50);
  return !isAlive(pid);
}
