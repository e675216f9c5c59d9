import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allByName } from '@souk/dev/by-name';
import { removeFolderAfterwards } from '@souk/dev/child';
import { prepareDatabase } from '@souk/dev/databases';
import { mysqlStore } from '@souk/dev/mysql-store';
import { subgraphNames } from '@souk/schema/subgraphs';
import { check } from './check.ts';
import { fillShop } from './fill.ts';
import { tableOf } from './report.ts';
import { openSources } from './shop.ts';

/**
 * `node tests/invariants/measure.ts [orders] [days]`: how long the checker takes in a shop with a long history, made for the purpose in a private
 * MySQL and thrown away afterwards.
 */
const [orders = 100_000, days = 60] = process.argv.slice(2).map(Number);
const RUNS = 10;

const folder = mkdtempSync(join(tmpdir(), 'souk-measure-'));
removeFolderAfterwards(folder);
const store = await mysqlStore.startPrivately({ folder, configured: {}, durability: 'disposable' });
try {
  const databaseUrls = await allByName(subgraphNames, async (subgraph) => {
    const name = `souk_${subgraph}`;
    await prepareDatabase(store.url, { subgraph, name, password: 'measured' });
    return `${store.url}/${name}`;
  });
  const startedAt = performance.now();
  await fillShop(databaseUrls, { orders, days, users: Math.ceil(orders / 5), variants: 1_500 });
  process.stdout.write(`${orders} orders of ${days} days, made in ${seconds(performance.now() - startedAt)}\n`);

  await using sources = await openSources({ databaseUrls, providerLog: null });
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const from = performance.now();
    const findings = await check(sources, { isSettled: true });
    times.push(performance.now() - from);
    if (run === RUNS - 1) process.stdout.write(tableOf(findings, times.at(-1) ?? 0));
  }
  times.sort((one, other) => one - other);
  process.stdout.write(
    `${RUNS} runs: ${seconds(times[0] ?? 0)} at best, ${seconds(times[RUNS >> 1] ?? 0)} in the middle\n`,
  );
} finally {
  await store.stop();
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
