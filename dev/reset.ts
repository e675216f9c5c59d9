import { rmSync } from 'node:fs';
import { subgraphNames } from '@souk/schema/subgraphs';
import { Redis } from 'ioredis';
import { dropDatabase } from './databases.ts';
import { removeVolumes } from './docker-store.ts';
import type { Stores } from './stores.ts';

/** Removes all that a stopped shop keeps by itself: private stores, containers' volumes, secrets, logs. */
export async function forgetFolder(folder: string): Promise<void> {
  await removeVolumes(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Removes what a shop keeps in stores that are not its own, and nothing that is not the shop's. */
export async function forgetData(stores: Stores, databasePrefix: string): Promise<void> {
  await Promise.all([
    ...subgraphNames.map((subgraph) => dropDatabase(stores.mysqlAdminUrl, `${databasePrefix}_${subgraph}`)),
    forgetKeys(stores.redisUrl),
  ]);
}

/** Every key of the shop has this in its name, inside or outside of a hash tag. */
const KEYS = '*souk:*';

async function forgetKeys(redisUrl: string): Promise<void> {
  const redis = new Redis(redisUrl);
  try {
    for await (const keys of redis.scanStream({ match: KEYS, count: 1_000 }))
      if (keys.length > 0) await redis.unlink(keys);
  } finally {
    redis.disconnect();
  }
}
