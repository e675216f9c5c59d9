import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedShop } from '@souk/dev/seed-shop';
import { startShop } from '@souk/dev/shop';
import type { TestProject } from 'vitest/node';
import { staff } from './client.ts';
import { liftLimits } from './door-limits.ts';

/** One small seeded shop, as real processes, for every system test that does not need one of its own. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'souk-system-'));
  const shop = await startShop({
    folder,
    durability: 'disposable',
    seed: (target) => seedShop(target, { products: 120 }),
  });
  await liftLimits(await staff(shop.adminUrl, 'ADMIN'));
  project.provide('shop', {
    gatewayUrl: shop.gatewayUrl,
    adminUrl: shop.adminUrl,
    metricsUrls: shop.metricsUrls,
    serviceUrls: Object.fromEntries(Object.values(shop.services).map(({ name, url }) => [name, url])),
    databaseUrls: shop.databaseUrls,
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
  metricsUrls: Record<string, string>;
  serviceUrls: Record<string, string>;
  databaseUrls: Record<string, string>;
  mailFile: string;
  folder: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    shop: SharedShop;
  }
}
