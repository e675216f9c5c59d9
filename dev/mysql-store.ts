import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { startChild } from './child.ts';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { Problem } from './problem.ts';
import { rememberedStore } from './remembered-store.ts';
import { untilItAnswers } from './started-server.ts';
import type { OpenStore, StoreKind, StoreOptions } from './stores.ts';

const ADMIN = 'souk_admin';
const START_TIMEOUT_MS = 60_000;

/** MySQL or MariaDB; MariaDB is preferred because every distribution packages it and it starts faster. */
export const mysqlStore: StoreKind = {
  name: 'mysql',
  title: 'MySQL or MariaDB',
  configuredBy: 'SOUK_MYSQL_ADMIN_URL',
  binaries: ['mariadbd', 'mysqld'],
  // The `core` packages hold the server without a service, so nothing starts by itself; the client one holds a tool that initialising needs.
  packages: ['mariadb-server-core', 'mariadb-client-core'],
  check,
  startPrivately,
  container: {
    image: 'mysql:8.4',
    port: 3306,
    passwordVariable: 'MYSQL_ROOT_PASSWORD',
    command: ['--skip-name-resolve', '--max-connections=500', '--collation-server=utf8mb4_unicode_520_ci'],
    url: (port, password) => `mysql://root:${password}@127.0.0.1:${port}`,
    data: '/var/lib/mysql',
  },
};

/** The administrator of a private server. */
export function privateAdminUrl(port: number, password: string): string {
  return `mysql://${ADMIN}:${password}@127.0.0.1:${port}`;
}

/** Where a private server in this folder writes its log, anew with each start. */
export function serverLogOf(folder: string): string {
  return join(folder, 'mysql', 'server.log');
}

async function startPrivately({ folder, durability }: StoreOptions): Promise<OpenStore> {
  const server = findBinary(mysqlStore.binaries);
  if (!server) throw new Problem('The MySQL server went missing while it was being started.');
  const home = join(folder, 'mysql');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const logFile = serverLogOf(folder);

  await initialise(server, home);
  const remembered = rememberedStore(home);
  const port = await freePort(remembered.port);
  remembered.keep(port);
  writeFileSync(join(home, 'accounts.sql'), accounts(remembered.password), { mode: 0o600 });
  writeFileSync(join(home, 'my.cnf'), settings({ home, port, durability }), { mode: 0o600 });

  writeFileSync(logFile, '', { mode: 0o600 });
  const child = startChild({
    name: 'mysql',
    command: server,
    args: [`--defaults-file=${join(home, 'my.cnf')}`, ...asRoot()],
    logFile,
  });
  const url = privateAdminUrl(port, remembered.password);
  await untilItAnswers({
    child,
    title: 'The private MySQL server',
    logFile,
    timeoutMs: START_TIMEOUT_MS,
    ping: () => ping(url),
  });
  return { url, origin: 'private', pid: child.pid, stop: () => child.stop(30_000) };
}

/** Makes the system tables once. They are made beside their final place, so that an interrupted start is not mistaken for a finished one. */
async function initialise(server: string, home: string): Promise<void> {
  const data = join(home, 'data');
  if (existsSync(data)) return;
  const fresh = join(home, 'data.new');
  rmSync(fresh, { recursive: true, force: true });
  const run = promisify(execFile);
  const { stdout: version } = await run(server, ['--version']);
  const installer = version.includes('MariaDB') ? findBinary(['mariadb-install-db', 'mysql_install_db']) : undefined;
  const [command, args] = installer
    ? [
        installer,
        ['--no-defaults', '--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'],
      ]
    : [server, ['--no-defaults', '--initialize-insecure']];
  try {
    await run(command, [...args, `--datadir=${fresh}`, `--tmpdir=${home}`, ...asRoot()]);
  } catch (error) {
    throw new Problem(
      `${basename(command)} could not make a database folder in ${dirname(fresh)}: ${error instanceof Error ? error.message : error}`,
    );
  }
  renameSync(fresh, data);
}

/** The server refuses to run as root unless it is told that this is meant. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : [];
}

/** Run by the server before it listens: one account that may do everything, and none without a password. One statement per line. */
function accounts(password: string): string {
  return [
    `CREATE USER IF NOT EXISTS '${ADMIN}'@'127.0.0.1' IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO '${ADMIN}'@'127.0.0.1' WITH GRANT OPTION;`,
    "DROP USER IF EXISTS ''@'localhost', 'root'@'127.0.0.1', 'root'@'::1';",
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`,
    '',
  ].join('\n');
}

function settings({
  home,
  port,
  durability,
}: {
  home: string;
  port: number;
  durability: StoreOptions['durability'];
}): string {
  const isMariaDb = existsSync(join(home, 'data', 'aria_log_control'));
  return [
    '[mysqld]',
    `datadir = ${join(home, 'data')}`,
    // A server that starts clears its temporary folder: in a shared one, of the tables another is working with.
    `tmpdir = ${home}`,
    `port = ${port}`,
    'bind-address = 127.0.0.1',
    // Relative to the data folder: a full path may be longer than a socket's may be.
    'socket = server.sock',
    'pid-file = server.pid',
    `init-file = ${join(home, 'accounts.sql')}`,
    'skip-name-resolve',
    'skip-log-bin',
    'local-infile = OFF',
    'character-set-server = utf8mb4',
    'collation-server = utf8mb4_unicode_520_ci',
    'default-time-zone = +00:00',
    'max-connections = 500',
    'performance-schema = OFF',
    'innodb-buffer-pool-size = 256M',
    // A commit is handed to the operating system at once, which outlives this process; the disk gets it within a second.
    'innodb-flush-log-at-trx-commit = 2',
    // Pages are still written twice: a server that is killed in the middle of one has to find the other.
    ...(durability === 'disposable' ? ['innodb-flush-method = nosync'] : []),
    ...(isMariaDb ? [] : ['mysqlx = OFF']),
    '',
  ].join('\n');
}

async function ping(url: string): Promise<void> {
  const connection = await createConnection({ uri: url, connectTimeout: 5_000 });
  try {
    await connection.query('SELECT 1');
  } finally {
    await connection.end();
  }
}

/** MySQL: access denied for this user and password. */
const ER_ACCESS_DENIED = 1045;

async function check(url: string): Promise<void> {
  const place = placeOf(url);
  try {
    await ping(url);
  } catch (error) {
    const refused = error instanceof Error && 'errno' in error && error.errno === ER_ACCESS_DENIED;
    throw new Problem(
      refused
        ? `MySQL at ${place} refuses the user and password of ${mysqlStore.configuredBy}: correct them there.`
        : `No MySQL answers at ${place}, which ${mysqlStore.configuredBy} names: start it, correct the variable, or remove it to let Souk start its own.`,
      { cause: error },
    );
  }
}

function placeOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    throw new Problem(`${mysqlStore.configuredBy} must be a URL such as mysql://root:password@127.0.0.1:3306.`);
  }
}
