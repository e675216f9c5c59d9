import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byName } from '@souk/dev/by-name';
import { seedShop } from '@souk/dev/seed-shop';
import { type ProcessName, processNames } from '@souk/dev/services';
import { startShop } from '@souk/dev/shop';
import type { SubgraphName } from '@souk/schema/subgraphs';
import type { TestProject } from 'vitest/node';
import { patiently, staff } from './client.ts';
import { liftLimits } from './door-limits.ts';

/** One small seeded shop, as real processes, for every system test that does not need one of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'souk-system-'));
  const shop = await startShop({
    folder,
    durability: 'disposable',
    seed: (target) => seedShop(target, { products: 120 }),
  });
  // Until its limits are lifted, a shop on a busy machine may send somebody away for a moment.
  await patiently(async () => liftLimits(await staff(shop.adminUrl, 'ADMIN')));
  project.provide('shop', {
    gatewayUrl: shop.gatewayUrl,
    adminUrl: shop.adminUrl,
    metricsUrls: shop.metricsUrls,
    serviceUrls: byName(processNames, (name) => shop.services[name].url),
    databaseUrls: shop.databaseUrls,
    redisUrl: shop.stores.redisUrl,
    mailFile: join(folder, 'mail.jsonl'),
    folder,
  });
  return async () => {
    await shop.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

export interface SharedShop {
  gatewayUrl: string;
  adminUrl: string;
  /** Where each process tells its counters. */
  metricsUrls: Record<ProcessName, string>;
  serviceUrls: Record<ProcessName, string>;
  databaseUrls: Record<SubgraphName, string>;
  redisUrl: string;
  mailFile: string;
  folder: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    shop: SharedShop;
  }
}
