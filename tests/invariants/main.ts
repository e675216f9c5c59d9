import { parseArgs } from 'node:util';
import { Problem } from '@souk/dev/problem';
import { EnvironmentError } from '@souk/platform/env';
import { parseId } from '@souk/platform/id';
import { check } from './check.ts';
import { readEnv } from './env.ts';
import { exitCodeOf, jsonOf, tableOf } from './report.ts';
import { findShop, openSources } from './shop.ts';

/**
 * `npm run invariants`: whether everything that must always be true of a shop is true of its rows. It only reads, and may be run at any time.
 */
const usage = `npm run invariants -- [--settled] [--json] [--demand <variant id>=<quantity>]…

  --settled   nothing is under way any more: check also what is only true then
  --demand    how many of a variant all buyers together wanted: check that it sold out, if it had to
  --json      say it for programs

It checks the shop that runs here. To check another one, name its databases, with an account that may only read, in USER_DATABASE_URL,
CATALOG_DATABASE_URL, CART_DATABASE_URL, ORDER_DATABASE_URL and PAYMENT_DATABASE_URL, and the provider of test cards in TEST_PROVIDER_URL and
TEST_PROVIDER_SECRET. Exit code: 0 when all invariants hold, 1 when one is broken, 2 when this could not be found out.
`;

async function run(): Promise<number> {
  const { settled, json, demand, help } = readArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(usage);
    return 0;
  }
  await using sources = await openSources(await findShop(readEnv()));
  const startedAt = performance.now();
  const findings = await check({ ...sources, demand: demandOf(demand) }, { isSettled: settled });
  const tookMs = performance.now() - startedAt;
  process.stdout.write(json ? jsonOf(findings, tookMs) : tableOf(findings, tookMs));
  return exitCodeOf(findings);
}

function readArguments(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        settled: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        demand: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

function demandOf(given: readonly string[]): ReadonlyMap<string, number> | null {
  if (given.length === 0) return null;
  return new Map(
    given.map((each) => {
      const [, variantId, quantity] = /^([^=]+)=(\d+)$/.exec(each) ?? [];
      if (!variantId) throw new Problem(`Expected --demand <variant id>=<quantity>, got ${each}.`);
      return [parseId('ProductVariant', variantId), Number(quantity)];
    }),
  );
}

process.exitCode = await run().catch((error: unknown) => {
  const isOurs = error instanceof Problem || error instanceof EnvironmentError;
  process.stderr.write(`${isOurs ? error.message : error instanceof Error ? error.stack : error}\n`);
  return 2;
});
