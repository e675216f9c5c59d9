import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { appendOnlyTables, prepareDatabase } from './databases.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

let payment: TestDatabase;
let cart: TestDatabase;
beforeAll(async () => {
  [payment, cart] = await Promise.all([createTestDatabase('payment'), createTestDatabase('cart')]);
});
afterAll(() => Promise.all([payment.drop(), cart.drop()]));

describe('the account of a subgraph', () => {
  it('reads and writes its own tables', async () => {
    expect(await run(cart.url, 'SELECT COUNT(*) FROM carts')).toBe('done');
    expect(await run(cart.url, 'UPDATE carts SET version = version WHERE FALSE')).toBe('done');
    expect(await run(cart.url, 'DELETE FROM carts WHERE FALSE')).toBe('done');
  });

  it('cannot change tables', async () => {
    expect(await run(cart.url, 'CREATE TABLE extra (id INT)')).toBe('ER_TABLEACCESS_DENIED_ERROR');
    expect(await run(cart.url, 'DROP TABLE carts')).toBe('ER_TABLEACCESS_DENIED_ERROR');
  });

  it('cannot see the database of another subgraph', async () => {
    const other = new URL(payment.url).pathname.slice(1);
    expect(await run(cart.url, `SELECT COUNT(*) FROM ${other}.payments`)).toBe('ER_TABLEACCESS_DENIED_ERROR');
    expect(await run(cart.url, `USE ${other}`)).toBe('ER_DBACCESS_DENIED_ERROR');
  });

  it.each(appendOnlyTables.payment ?? [])('may add to %s, and never change or remove a row of it', async (table) => {
    expect(await run(payment.url, `SELECT COUNT(*) FROM ${table}`)).toBe('done');
    expect(await run(payment.url, `INSERT INTO ${table} SELECT * FROM ${table}`)).toBe('done');
    expect(await run(payment.url, `DELETE FROM ${table}`)).toBe('ER_TABLEACCESS_DENIED_ERROR');
    const [column] = await columnsOf(payment.adminUrl, table);
    expect(await run(payment.url, `UPDATE ${table} SET ${column} = ${column}`)).toBe('ER_TABLEACCESS_DENIED_ERROR');
  });
});

describe('preparing a database', () => {
  it('again keeps its rows and takes a new password', async () => {
    await run(payment.adminUrl, 'CREATE TABLE witness AS SELECT 1 AS one');
    const name = new URL(payment.url).pathname.slice(1);
    const url = await prepareDatabase(inject('mysqlAdminUrl'), { subgraph: 'payment', name, password: 'another' });
    expect(await run(payment.url, 'SELECT 1')).toBe('ER_ACCESS_DENIED_ERROR');
    expect(await run(url, 'SELECT one FROM witness')).toBe('done');
  });

  it('takes back rights by which the ledger could be rewritten', async () => {
    const name = new URL(payment.url).pathname.slice(1);
    const admin = inject('mysqlAdminUrl');
    await run(admin, `GRANT ALL PRIVILEGES ON ${name}.* TO '${name}'@'%'`);
    await run(admin, `GRANT UPDATE, DELETE ON ${name}.ledger_entries TO '${name}'@'%'`);
    const url = await prepareDatabase(admin, { subgraph: 'payment', name, password: 'yet-another' });
    expect(await run(url, 'DELETE FROM ledger_entries')).toBe('ER_TABLEACCESS_DENIED_ERROR');
    expect(await run(url, 'DELETE FROM ledger_transactions')).toBe('ER_TABLEACCESS_DENIED_ERROR');
    expect(await run(url, 'UPDATE payments SET status = status WHERE FALSE')).toBe('done');
    expect(await run(url, 'DROP TABLE payments')).toBe('ER_TABLEACCESS_DENIED_ERROR');
  });
});

/** What became of a statement: done, or the server's name for its refusal. */
async function run(url: string, statement: string): Promise<string> {
  try {
    const connection = await createConnection({ uri: url });
    try {
      await connection.query(statement);
      return 'done';
    } finally {
      await connection.end();
    }
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

async function columnsOf(url: string, table: string): Promise<string[]> {
  const connection = await createConnection({ uri: url });
  const [rows] = await connection.query<RowDataPacket[]>(`SHOW COLUMNS FROM ${table}`);
  await connection.end();
  return rows.map((row) => row['Field']);
}
