import { Redis } from 'ioredis';
import { createConnection } from 'mysql2/promise';
import { describe, expect, it } from 'vitest';
import { createEmptyDatabase, testRedisUrl } from './test-database.ts';

describe('the stores of a test file', () => {
  it('are databases that no other test file sees', async () => {
    const [one, other] = await Promise.all([createEmptyDatabase(), createEmptyDatabase()]);
    expect(one.url).not.toBe(other.url);
    const connection = await createConnection({ uri: one.url });
    await connection.query('CREATE TABLE only_here (id INT PRIMARY KEY)');
    const [rows] = await connection.query(
      'SELECT COUNT(*) AS tables FROM information_schema.tables WHERE table_schema = DATABASE()',
    );
    expect(rows).toEqual([{ tables: 1 }]);
    await connection.end();
    await Promise.all([one.drop(), other.drop()]);
  });

  it('are Redis databases whose keys never meet', async () => {
    const [one, other] = await Promise.all([testRedisUrl(), testRedisUrl()]).then((urls) =>
      urls.map((url) => new Redis(url)),
    );
    await one?.set('key', 'one');
    expect(await other?.get('key')).toBeNull();
    await Promise.all([one?.quit(), other?.quit()]);
  });
});
