import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { byName } from '@souk/dev/by-name';
import type { Child } from '@souk/dev/child';
import { freePort } from '@souk/dev/free-port';
import { secretsOf } from '@souk/dev/secrets';
import { planServices, processNames, startService, waitUntilReady } from '@souk/dev/services';
import { inject } from 'vitest';

/** One more gateway beside that of the shared shop, as behind a load balancer. */
export interface SecondGateway {
  gatewayUrl: string;
  adminUrl: string;
  /** Where it tells its counters. */
  metricsUrl: string;
  child: Child;
}

/** @param environment settings in which it differs from the first */
export async function startSecondGateway(environment: Record<string, string> = {}): Promise<SecondGateway> {
  const { serviceUrls, databaseUrls, redisUrl, folder } = inject('shop');
  const doors = byName(processNames, (name) => Number(new URL(serviceUrls[name]).port));
  const plan = planServices({
    host: '127.0.0.1',
    ports: { ...doors, gateway: await freePort() },
    doors,
    gatewayMetricsPort: await freePort(),
    databaseUrls,
    redisUrl,
    secrets: secretsOf(folder),
    folder,
  }).gateway;
  const logFolder = join(folder, 'logs', 'second');
  mkdirSync(logFolder, { recursive: true });
  const child = startService(plan, { logFolder, inherit: {}, overrides: environment });
  await waitUntilReady(plan, child, logFolder);
  return {
    gatewayUrl: `${plan.url}/graphql`,
    adminUrl: `${plan.url}/admin/graphql`,
    metricsUrl: plan.metricsUrl,
    child,
  };
}
