import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { byName } from '@souk/dev/by-name';
import { freePort } from '@souk/dev/free-port';
import { secretsOf } from '@souk/dev/secrets';
import { logFileOf, planServices, processNames, startService } from '@souk/dev/services';
import { defaultDoorLimits } from '@souk/platform/door-limits';
import { ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import { subgraphNames } from '@souk/schema/subgraphs';
import { Redis } from 'ioredis';
import type { Field, Running } from './contestants.ts';

/**
 * Starts the shop's gateway as it runs in production, over the supergraph of the measurement. Every request is authenticated, guarded, estimated and counted
 * against its limits; they are only too high to be reached.
 *
 * @param settings what is to be different
 */
export async function startSoukGateway(
  name: string,
  { folder, supergraphFile, urls, redisUrl, jwksUrl }: Field,
  settings: Record<string, string> = {},
): Promise<Running> {
  const logFolder = join(folder, name);
  mkdirSync(logFolder, { recursive: true });
  await tellAccessState(redisUrl);
  const [port, metricsPort] = [await freePort(), await freePort()];
  const { gateway } = planServices({
    host: '127.0.0.1',
    ports: { ...byName(processNames, () => 1), gateway: port },
    doors: byName(processNames, () => 1),
    gatewayMetricsPort: metricsPort,
    databaseUrls: byName(subgraphNames, () => ''),
    redisUrl,
    secrets: secretsOf(folder),
    folder,
  });
  const child = startService(
    { ...gateway, name: 'gateway' },
    {
      logFolder,
      inherit: {},
      overrides: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'info',
        SUPERGRAPH_STOREFRONT_FILE: supergraphFile,
        SUPERGRAPH_ADMIN_FILE: supergraphFile,
        // Nobody asks the user subgraph: what it would tell stands in Redis.
        SUBGRAPH_URLS: JSON.stringify({ ...urls, user: urls.people }),
        JWKS_URL: jwksUrl,
        STOREFRONT_COST_BUDGET: '1000000',
        ADMIN_COST_BUDGET: '1000000',
        ...settings,
      },
    },
  );
  return { child, logFile: logFileOf('gateway', logFolder), url: `http://127.0.0.1:${port}/graphql` };
}

/** Limits that nobody reaches, but that every request is counted against. */
async function tellAccessState(redisUrl: string): Promise<void> {
  const boundless = { points: 100_000_000, windowSeconds: 10 };
  const snapshot: AccessSnapshot = {
    version: 1,
    revokedSessionIds: [],
    revokedKeyIds: [],
    blockedUserIds: [],
    userRoles: {},
    roleScopes: { CUSTOMER: [] },
    accessEntries: [],
    doorLimits: {
      ...defaultDoorLimits,
      address: boundless,
      rootField: boundless,
      sensitiveRootField: boundless,
      instance: { ...defaultDoorLimits.instance, delayMs: 10_000 },
    },
  };
  const redis = new Redis(redisUrl);
  await redis.set(ACCESS_SNAPSHOT_KEY, JSON.stringify(snapshot));
  redis.disconnect();
}
