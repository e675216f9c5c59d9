import { readFileSync } from 'node:fs';
import type { Shop } from '@souk/dev/shop';
import { subgraphNames } from '@souk/schema/subgraphs';
import { counter } from '../../tests/counters.ts';
import { childrenOf, usageOf } from '../process-usage.ts';

/** Processor time so far, in milliseconds, by who spent it. */
export interface ShopUsage {
  gateway: number;
  subgraphs: number;
  /** The database server and Redis. */
  stores: number;
}

export function usageOfShop({ services }: Shop): ShopUsage {
  const cpuOf = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0);
  return {
    gateway: cpuOf([services.gateway.pid]),
    subgraphs: cpuOf(subgraphNames.map((name) => services[name].pid)),
    stores: cpuOf(childrenOf(process.pid).filter(isStore)),
  };
}

/** What the shop has done for requests so far, as its processes count it themselves. */
export interface ShopWork {
  subgraphRequests: number;
  statements: number;
  /** Of events, sweeps and whatever else nobody waits for. */
  backgroundStatements: number;
}

export async function workOfShop({ metricsUrls }: Shop): Promise<ShopWork> {
  const total = async (labels?: string) => {
    const counts = subgraphNames.map((name) => counter(metricsUrls[name], 'souk_sql_statements_total', labels));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  };
  const [subgraphRequests, statements, all] = await Promise.all([
    counter(metricsUrls.gateway, 'souk_subgraph_requests_total'),
    total('cause="request"'),
    total(),
  ]);
  return { subgraphRequests, statements, backgroundStatements: all - statements };
}

/** The stores are started as children of whoever starts the shop. */
function isStore(pid: number): boolean {
  return ['mariadbd', 'mysqld', 'redis-server', 'valkey-server'].includes(
    readFileSync(`/proc/${pid}/comm`, 'utf8').trim(),
  );
}
