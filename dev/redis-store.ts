import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startChild } from './child.ts';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { Problem } from './problem.ts';
import { rememberedStore } from './remembered-store.ts';
import { untilItAnswers } from './started-server.ts';
import type { OpenStore, StoreKind, StoreOptions } from './stores.ts';

const START_TIMEOUT_MS = 20_000;
/** Tests take one numbered database each. */
const DATABASES = 1_024;

export const redisStore: StoreKind = {
  name: 'redis',
  title: 'Redis',
  configuredBy: 'SOUK_REDIS_URL',
  binaries: ['redis-server', 'valkey-server'],
  packages: ['redis-server'],
  check,
  startPrivately,
  container: {
    image: 'redis:7',
    port: 6379,
    passwordVariable: 'REDIS_PASSWORD',
    command: ['sh', '-c', `exec redis-server --requirepass "$REDIS_PASSWORD" --databases ${DATABASES}`],
    url: (port, password) => `redis://:${password}@127.0.0.1:${port}`,
    data: '/data',
  },
};

async function startPrivately({ folder, durability }: StoreOptions): Promise<OpenStore> {
  const server = findBinary(redisStore.binaries);
  if (!server) throw new Problem('The Redis server went missing while it was being started.');
  const home = join(folder, 'redis');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const logFile = join(home, 'server.log');

  const remembered = rememberedStore(home);
  const port = await freePort(remembered.port);
  remembered.keep(port);
  writeFileSync(join(home, 'redis.conf'), settings({ home, port, password: remembered.password, durability }), {
    mode: 0o600,
  });

  writeFileSync(logFile, '', { mode: 0o600 });
  const child = startChild({ name: 'redis', command: server, args: [join(home, 'redis.conf')], logFile });
  const url = `redis://:${remembered.password}@127.0.0.1:${port}`;
  await untilItAnswers({
    child,
    title: 'The private Redis server',
    logFile,
    timeoutMs: START_TIMEOUT_MS,
    ping: () => ping(url),
  });
  return { url, origin: 'private', pid: child.pid, stop: () => child.stop() };
}

function settings({
  home,
  port,
  password,
  durability,
}: {
  home: string;
  port: number;
  password: string;
  durability: StoreOptions['durability'];
}): string {
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    `dir "${home}"`,
    `databases ${DATABASES}`,
    // Queues live here, and a queue must never be evicted.
    'maxmemory-policy noeviction',
    // Redis holds wake-ups and copies; the truth is in MySQL. A snapshot now and then is all a shop needs, and tests need none.
    durability === 'kept' ? 'save 60 1' : 'save ""',
    'appendonly no',
    '',
  ].join('\n');
}

async function ping(url: string): Promise<void> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
  });
  // Without a listener the client would print every failed attempt; the rejected command says the same.
  let reason: Error | undefined;
  redis.on('error', (error) => {
    reason ??= error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw reason ?? error;
  } finally {
    redis.disconnect();
  }
}

async function check(url: string): Promise<void> {
  const place = placeOf(url);
  try {
    await ping(url);
  } catch (error) {
    const refused = error instanceof Error && /NOAUTH|WRONGPASS|invalid password/i.test(error.message);
    throw new Problem(
      refused
        ? `Redis at ${place} refuses the password of ${redisStore.configuredBy}: correct it there.`
        : `No Redis answers at ${place}, which ${redisStore.configuredBy} names: start it, correct the variable, or remove it to let Souk start its own.`,
      { cause: error },
    );
  }
}

function placeOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    throw new Problem(`${redisStore.configuredBy} must be a URL such as redis://:password@127.0.0.1:6379.`);
  }
}
