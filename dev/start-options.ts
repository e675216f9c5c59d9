import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Problem } from './problem.ts';
import { root } from './workspaces.ts';

export interface StartOptions {
  folder: string;
  host: string;
  port: number;
  mysqlAdminUrl: string | undefined;
  redisUrl: string | undefined;
  reset: boolean;
  /** How many processes there are of each subgraph. */
  instances: number;
  seed: boolean;
  help: boolean;
}

export const usage = `npm start -- [--reset] [--no-seed] [--instances <count>]

  --reset     forget everything the shop holds, then start
  --no-seed   start with an empty shop
  --instances <count>
              run so many processes of each subgraph; GATEWAY_PROCESSES says how many of the gateway

  PORT                   where the gateway listens (4000)
  HOST                   on which address (127.0.0.1)
  SOUK_MYSQL_ADMIN_URL   a MySQL or MariaDB to use instead of a private one; the account must be able to create databases and accounts
  SOUK_REDIS_URL         a Redis to use instead of a private one
  SOUK_FOLDER            where the shop keeps everything (.souk)

These may stand in .env too; so may any setting of a service, see .env.example.
`;

/** Reads the command line, the environment and `.env`, in which the environment wins. */
export function readStartOptions(args: string[]): StartOptions {
  const file = join(root, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
  const env = process.env;
  const { values } = parse(args);
  return {
    folder: resolve(env['SOUK_FOLDER'] || join(root, '.souk')),
    host: env['HOST'] || '127.0.0.1',
    port: portOf(env['PORT'] || '4000'),
    mysqlAdminUrl: env['SOUK_MYSQL_ADMIN_URL'] || undefined,
    redisUrl: env['SOUK_REDIS_URL'] || undefined,
    reset: values.reset,
    instances: instancesOf(values.instances),
    seed: !values['no-seed'],
    help: values.help,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        reset: { type: 'boolean', default: false },
        'no-seed': { type: 'boolean', default: false },
        instances: { type: 'string', default: '1' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

const MAX_INSTANCES = 10;

function instancesOf(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MAX_INSTANCES) return count;
  throw new Problem(`--instances must be a number from 1 to ${MAX_INSTANCES}, not "${text}".`);
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Problem(`PORT must be a number from 1 to 65535, not "${text}".`);
}
