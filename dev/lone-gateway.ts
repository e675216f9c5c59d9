import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type DoorLimits, defaultDoorLimits } from '@souk/platform/door-limits';
import { ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import { subgraphNames } from '@souk/schema/subgraphs';
import { Redis } from 'ioredis';
import { byName } from './by-name.ts';
import type { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { secretsOf } from './secrets.ts';
import { type Environment, logFileOf, planServices, processNames, startService, waitUntilReady } from './services.ts';

/** A gateway without the shop behind it. */
export interface LoneGateway {
  url: string;
  /** Where its metrics are, without a path. */
  internalUrl: string;
  logFile: string;
  child: Child;
  /** Resolves when it can work. */
  ready(): Promise<void>;
}

/** Starts the gateway of the shop in a process of its own, over whatever subgraphs its settings name. What the user subgraph would tell of access stands in Redis: see `tellAccessState`. */
export async function startLoneGateway(
  name: string,
  { folder, redisUrl, settings }: { folder: string; redisUrl: string; settings: Environment },
): Promise<LoneGateway> {
  const logFolder = join(folder, name);
  mkdirSync(logFolder, { recursive: true });
  const [port, internalPort] = [await freePort(), await freePort()];
  const { gateway } = planServices({
    host: '127.0.0.1',
    ports: { ...byName(processNames, () => 1), gateway: port },
    doors: byName(processNames, () => 1),
    gatewayMetricsPort: internalPort,
    databaseUrls: byName(subgraphNames, () => ''),
    redisUrl,
    secrets: secretsOf(folder),
    folder,
  });
  const child = startService(gateway, { logFolder, inherit: {}, overrides: settings });
  return {
    url: `${gateway.url}/graphql`,
    internalUrl: new URL(gateway.metricsUrl).origin,
    logFile: logFileOf('gateway', logFolder),
    child,
    ready: () => waitUntilReady(gateway, child, logFolder),
  };
}

/** Tells gateways that nobody is refused, and limits that every request is counted against and nobody reaches. */
export async function tellAccessState(redisUrl: string, limits: Partial<DoorLimits> = {}): Promise<void> {
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
      ...limits,
    },
  };
  const redis = new Redis(redisUrl);
  await redis.set(ACCESS_SNAPSHOT_KEY, JSON.stringify(snapshot));
  redis.disconnect();
}
