import { setTimeout as delay } from 'node:timers/promises';
import { createEmptyDatabase, testRedisUrl } from '@souk/dev/test-database';
import { expect, it } from 'vitest';
import { openDatabase } from './database.ts';
import { startEventWorkers } from './event-workers.ts';
import type { AnyEventHandlers } from './events.ts';
import { createLogger } from './logger.ts';

it('a service that listens to nobody needs no inbox', async () => {
  const lines: string[] = [];
  const logger = createLogger('test', { destination: { write: (line) => lines.push(line) } });
  const store = await createEmptyDatabase();
  const database = openDatabase({ url: store.url, poolSize: 1 });
  const workers = startEventWorkers({
    service: 'user',
    db: database.db,
    redisUrl: await testRedisUrl(),
    handlers: {} as AnyEventHandlers,
    logger,
    pruneEveryMs: 10,
  });
  await delay(300);
  await workers.close();
  await database.close();
  await store.drop();
  expect(lines).toEqual([]);
});
