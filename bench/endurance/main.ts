import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allByName, byName } from '@souk/dev/by-name';
import { killAllChildren, removeFolderAfterwards, startChild, stopAllChildren } from '@souk/dev/child';
import { freePort } from '@souk/dev/free-port';
import { redisStore } from '@souk/dev/redis-store';
import { openTokenIssuer } from '../../gateway/test/token-issuer.ts';
import { counter } from '../../tests/counters.ts';
import { benchSubgraphs } from '../gateway/answers.ts';
import { startSoukGateway } from '../gateway/souk-gateway.ts';
import { composeBenchGraph } from '../gateway/subgraphs.ts';
import { isBusy, loadInWords, machineInWords } from '../machine.ts';
import { writeResult } from '../write-result.ts';
import { failNowAndThen } from './failing-now-and-then.ts';
import { openHeap } from './heap.ts';
import { type Outcomes, startTraffic } from './traffic.ts';

/** `npm run bench:endurance`: the gateway under a steady load for a while, with its supergraph swapped again and again: what it keeps in memory, and what it loses. */
const usage = `npm run bench:endurance [-- options]

  --minutes <n>       10 if not told
  --rate <n>          requests a second; 50 if not told
  --swap <seconds>    how often the supergraph is swapped; 30 if not told
  --growth <percent>  what the heap may grow by between minute 2 and the end; 15 if not told
  --write             writes the table into bench/results although others use the machine, which otherwise keeps it from being written

Ends with 1 when the heap has grown by more, or a request was lost.
`;

const headings =
  '| minute | heap MB | resident MB | planned | documents | swaps | answered | made to fail | hung up | lost |';
const LOOK_EVERY_MS = 30_000;
const WARM_AFTER_MINUTES = 2;
const MEGABYTE = 1024 * 1024;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    rate: { type: 'string', default: '50' },
    swap: { type: 'string', default: '30' },
    growth: { type: 'string', default: '15' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.once('SIGINT', () => {
  killAllChildren();
  process.exit(130);
});
process.exitCode = values.help ? say(usage) : await endure().finally(stopAllChildren);

interface Sample extends Outcomes {
  minutes: number;
  heapMb: number;
  residentMb: number;
  planned: number;
  documents: number;
  swaps: number;
}

async function endure(): Promise<number> {
  const before = loadInWords();
  const mayWrite = values.write || !isBusy();
  const folder = mkdtempSync(join(tmpdir(), 'souk-endurance-'));
  removeFolderAfterwards(folder);
  const { gateway, issuer, supergraphFile, supergraphs, failing, heap } = await start(folder);
  const traffic = startTraffic({ url: gateway.url, token: issuer.token, perSecond: Number(values.rate) });
  let swaps = 0;
  const swapping = setInterval(() => {
    replace(supergraphFile, supergraphs[++swaps % 2] ?? '');
  }, Number(values.swap) * 1_000);

  const samples: Sample[] = [];
  const startedAtMs = performance.now();
  say(`${headings}\n`);
  for (let next = 1; next * LOOK_EVERY_MS <= Number(values.minutes) * 60_000; next++) {
    // Between two swaps, each time as long after the one before.
    await delay(startedAtMs + next * LOOK_EVERY_MS - LOOK_EVERY_MS / 3 - performance.now());
    const { heapUsed, rss } = await heap.afterCollection();
    const sample: Sample = {
      minutes: (performance.now() - startedAtMs) / 60_000,
      heapMb: heapUsed / MEGABYTE,
      residentMb: rss / MEGABYTE,
      planned: await counter(`${gateway.internalUrl}/metrics`, 'souk_planned_operations{'),
      documents: await counter(`${gateway.internalUrl}/metrics`, 'souk_documents_known'),
      swaps,
      ...traffic.outcomes,
    };
    samples.push(sample);
    say(`${lineOf(sample)}\n`);
  }
  clearInterval(swapping);
  await traffic.stop();
  heap.close();
  failing.close();

  const { lost, firstLost } = traffic.outcomes;
  const grown = growthOf(samples);
  const verdict = `The heap grew by ${(grown * 100).toFixed(1)} % after minute ${WARM_AFTER_MINUTES}; ${lost} requests were lost${firstLost ? `, the first: ${firstLost}` : ''}.`;
  say(`\n${verdict}\n`);
  if (mayWrite) say(`written to ${writeResult('endurance', reportOf(samples, verdict, before))}\n`);
  else say(`Not written: others use this machine (${before}). Wait until it is quiet, or say --write.\n`);
  return lost > 0 || grown > Number(values.growth) / 100 ? 1 : 0;
}

async function start(folder: string) {
  const issuer = await openTokenIssuer();
  const ports = await allByName(benchSubgraphs, () => freePort());
  const jwksPort = await freePort();
  startChild({
    name: 'subgraphs',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('../gateway/subgraphs.ts', import.meta.url)),
      JSON.stringify({ ports, jwks: { port: jwksPort, text: issuer.jwks } }),
    ],
    logFile: join(folder, 'subgraphs.log'),
  });
  const redis = await redisStore.startPrivately({ folder, configured: {}, durability: 'disposable' });
  const healthy = byName(benchSubgraphs, (name) => `http://127.0.0.1:${ports[name]}/graphql`);
  const failing = await failNowAndThen(healthy.stock);
  const urls = { ...healthy, stock: failing.url };
  const supergraphs = [composeBenchGraph(urls), composeBenchGraph(urls, withNickname)];
  const supergraphFile = join(folder, 'supergraph.graphql');
  replace(supergraphFile, supergraphs[0] ?? '');
  const inspectorPort = await freePort();
  const jwksUrl = `http://127.0.0.1:${jwksPort}/jwks.json`;
  const gateway = await startSoukGateway(
    'gateway',
    { folder, supergraphFile, recordingFile: '', urls, redisUrl: redis.url, jwksUrl },
    // A subgraph that gets no time from a busy machine loses nothing by it.
    { NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}`, QUERY_TIMEOUT: '60s' },
  );
  await gateway.ready();
  return { gateway, issuer, supergraphFile, supergraphs, failing, heap: await openHeap(inspectorPort) };
}

/** For the other supergraph that is swapped to: one field more. */
function withNickname(sdl: string): string {
  return sdl.replace('born: String', 'born: String\n  nickname: String');
}

/** Whole, whenever it is read. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.next`, text);
  renameSync(`${file}.next`, file);
}

/** The share by which the least of the last looks is above the least of the first that count: a single look tells what was under way, too. */
function growthOf(samples: readonly Sample[]): number {
  const warm = samples.filter(
    ({ minutes }) => minutes > Math.min(WARM_AFTER_MINUTES, Number(values.minutes) / 2) - 0.5,
  );
  const least = (some: readonly Sample[]) => Math.min(...some.map(({ heapMb }) => heapMb));
  return least(warm.slice(-3)) / least(warm.slice(0, 3)) - 1;
}

function lineOf({ minutes, heapMb, residentMb, planned, documents, swaps, ...counts }: Sample): string {
  const { answered, madeToFail, hungUp, lost } = counts;
  const cells = [minutes.toFixed(1), heapMb.toFixed(1), residentMb.toFixed(0), planned, documents, swaps];
  return `| ${[...cells, answered, madeToFail, hungUp, lost].join(' | ')} |`;
}

function reportOf(samples: readonly Sample[], verdict: string, load: string): string {
  const setting = `${values.minutes} minutes at ${values.rate} requests a second, a swap every ${values.swap} s; ${machineInWords()}; ${load}`;
  return `# The gateway, for a while\n\n${setting}.\n\n${headings}\n${'|---'.repeat(10)}|\n${samples.map(lineOf).join('\n')}\n\n${verdict}\n`;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}
