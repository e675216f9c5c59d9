import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '@souk/platform/database';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { Presets, SingleBar } from 'cli-progress';
import { allByName, byName } from './by-name.ts';
import { prepareDatabase } from './databases.ts';
import { mediaPlaceOf } from './media.ts';
import { Problem } from './problem.ts';
import { rememberedStore } from './remembered-store.ts';
import { type Secrets, secretsOf } from './secrets.ts';
import { countProducts, seedShop } from './seed-shop.ts';
import { providerLogOf } from './services.ts';
import { askRunningShop, claimFolder } from './shop-lock.ts';
import { readStartOptions, type StartOptions } from './start-options.ts';
import { openStores } from './stores.ts';

/**
 * `npm run seed`: fills this machine's shop with the demo, as large as wanted, whether it runs or not.
 */
async function seed(): Promise<void> {
  const { help, ...wanted } = readArguments(process.argv.slice(2));
  if (help) return void process.stdout.write(usage);
  const options = readStartOptions([]);
  const { folder } = options;
  const secrets = secretsOf(folder);
  const running = await askRunningShop(folder);
  if (running) return fill(databasesOfRunningShop(options, secrets), options, { ...wanted, isRunning: true });

  const claim = await claimFolder(folder, { pid: process.pid, gatewayUrl: '(npm run seed)' });
  const stores = await openStores({
    folder,
    configured: { mysql: options.mysqlAdminUrl, redis: options.redisUrl },
    durability: 'kept',
    say: (text) => console.log(text),
  });
  try {
    const databaseUrls = await allByName(subgraphNames, (subgraph) => {
      const database = { subgraph, name: `souk_${subgraph}`, password: secrets.databasePasswords[subgraph] };
      return prepareDatabase(stores.mysqlAdminUrl, database);
    });
    await fill(databaseUrls, options, { ...wanted, isRunning: false });
  } finally {
    await stores.stop();
    await claim.release();
  }
}

const usage = `npm run seed -- [--products 500] [--add]

  --products   how many products to make (500)
  --add        add them to the products that are there already

It fills the shop that "npm start" runs here, under the same settings. In a shop that is running, customers have no past orders: the provider of
test cards is at work and cannot be told of them.
`;

const MAX_PRODUCTS = 1_000_000;

function readArguments(args: string[]): { products: number; add: boolean; help: boolean } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        products: { type: 'string', default: '500' },
        add: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const products = Number(values.products);
    if (Number.isInteger(products) && products > 0 && products <= MAX_PRODUCTS) return { ...values, products };
    throw new Problem(`--products must be a number from 1 to ${MAX_PRODUCTS}, not "${values.products}".`);
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

/** A running shop has made its databases, and its stores listen where they did the last time. */
function databasesOfRunningShop({ folder, mysqlAdminUrl }: StartOptions, secrets: Secrets) {
  const address = mysqlAdminUrl ?? `mysql://127.0.0.1:${rememberedStore(join(folder, 'mysql')).port}`;
  return byName(subgraphNames, (subgraph) => {
    const url = new URL(`/souk_${subgraph}`, address);
    url.username = `souk_${subgraph}`;
    url.password = secrets.databasePasswords[subgraph];
    return url.href;
  });
}

async function fill(
  databaseUrls: Record<SubgraphName, string>,
  options: StartOptions,
  { products, add, isRunning }: { products: number; add: boolean; isRunning: boolean },
): Promise<void> {
  await refuseIfFilled(databaseUrls.catalog, { products, add });
  const { folder } = options;
  const { url: mediaUrl } = await mediaPlaceOf(folder, options);
  const bar = new SingleBar(
    { format: '{bar} {percentage} %  {value} of {total} products, {eta_formatted} left' },
    Presets.shades_classic,
  );
  let summary = '';
  bar.start(products, 0);
  try {
    await seedShop(
      { databaseUrls, mediaUrl, providerLog: providerLogOf(folder), say: (text) => (summary = text) },
      { products, add, hasPast: !isRunning, onProgress: (done) => bar.update(done) },
    );
  } finally {
    bar.stop();
  }
  console.log(`Made ${summary}.`);
}

async function refuseIfFilled(
  catalogUrl: string,
  { products, add }: { products: number; add: boolean },
): Promise<void> {
  const catalog = openDatabase({ url: catalogUrl, poolSize: 1 });
  const present = await countProducts(catalog.db).finally(catalog.close);
  if (present === 0 || add) return;
  throw new Problem(
    `The shop has ${present} products already. To add more: npm run seed -- --products ${products} --add. To start over: npm start -- --reset.`,
  );
}

await seed().catch((error: unknown) => {
  console.error(error instanceof Problem ? error.message : error instanceof Error ? error.stack : error);
  process.exitCode = 1;
});
