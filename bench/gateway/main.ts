import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs, promisify } from 'node:util';
import { allByName, byName } from '@souk/dev/by-name';
import { killAllChildren, removeFolderAfterwards, startChild, stopAllChildren } from '@souk/dev/child';
import { freePort } from '@souk/dev/free-port';
import { lastWords } from '@souk/dev/log-tail';
import { redisStore } from '@souk/dev/redis-store';
import { openTokenIssuer, type TokenIssuer } from '../../gateway/test/token-issuer.ts';
import { isBusy, loadInWords } from '../machine.ts';
import { pin } from '../process-usage.ts';
import { benchSubgraphs } from './answers.ts';
import { type Contestant, contestants, type Field, type Running } from './contestants.ts';
import type { LoadOrder, LoadResult } from './load.ts';
import { record } from './record.ts';
import { type Measurement, tableOf, writeReport } from './report.ts';
import { composeBenchGraph } from './subgraphs.ts';
import { type WorkloadName, workloadNames, workloadOf } from './workloads.ts';

const USUAL = ['stock', 'floor', 'hive', 'hive-rust', 'grafbase', 'compiled', 'souk'];

/**
 * `npm run bench:gateway`: the same requests to several gateways, one after the other in each round, and how much each does of them.
 */
const usage = `npm run bench:gateway [-- options]

  --gateways <name>,…   ${contestants.map(({ name }) => name).join(', ')}; ${USUAL.join(', ')} if not told
  --workloads <name>,…  ${workloadNames.join(', ')}; all if not told
  --rounds <n>          5 if not told; a table tells medians of them
  --seconds <n>         how long each workload takes of a round, after one of warming up; 5 if not told
  --connections <n>     clients at a time, each waiting for its answer; 50 if not told
  --write               writes the table into bench/results although others use the machine, which otherwise keeps it from being written
`;

const GATEWAY_CORE = 0;
const CLIENT_CORE = 1;
const WARM_UP_MS = 1_000;
const START_TIMEOUT_MS = 60_000;

const { values } = parseArgs({
  options: {
    gateways: { type: 'string', default: USUAL.join() },
    workloads: { type: 'string', default: workloadNames.join() },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '50' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.once('SIGINT', () => {
  killAllChildren();
  process.exit(130);
});
process.exitCode = values.help ? say(usage) : await bench().finally(stopAllChildren);

async function bench(): Promise<number> {
  const wanted = contestants.filter(({ name }) => values.gateways.split(',').includes(name));
  const workloads = workloadNames.filter((name) => values.workloads.split(',').includes(name));
  const before = loadInWords();
  const mayWrite = values.write || !isBusy();
  const issuer = await openTokenIssuer();
  const field = await prepare(issuer);

  const running = new Map<Contestant, Running>();
  for (const contestant of wanted) {
    const reason = contestant.missing?.() ?? (await enter(contestant, field, issuer, running));
    if (reason) say(`${contestant.name} does not take part: ${reason}\n`);
  }
  const sizes = await compareAnswers(running, workloads, issuer);

  const measurements: Measurement[] = [];
  let next = 1;
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [contestant, { url, child }] of running) {
      for (const workload of workloads) {
        const result = await load({
          url,
          headers: await headersFor(contestant, issuer),
          workload,
          answerBytes: sizes.get(contestant)?.get(workload) ?? 0,
          connections: Number(values.connections),
          warmUpMs: WARM_UP_MS,
          durationMs: Number(values.seconds) * 1_000,
          from: next,
          pid: child.pid,
        });
        next = result.next;
        measurements.push({ contestant: contestant.name, workload, round, ...result });
        const rate = Math.round(result.requests / result.seconds);
        say(
          `round ${round + 1}, ${contestant.name}, ${workload}: ${rate}/s, p99 ${result.p99Ms.toFixed(1)} ms${result.failures ? `, ${result.failures} FAILED` : ''}\n`,
        );
      }
    }
  }

  const setting = { before, rounds: values.rounds, seconds: values.seconds, connections: values.connections };
  say(`\n${tableOf(measurements)}\n`);
  if (mayWrite) say(`written to ${writeReport(measurements, [...running.keys()], setting)}\n`);
  else say(`Not written: others use this machine (${before}). Wait until it is quiet, or say --write.\n`);
  return measurements.some(({ failures }) => failures > 0) ? 1 : 0;
}

async function prepare(issuer: TokenIssuer): Promise<Field> {
  const folder = mkdtempSync(join(tmpdir(), 'souk-bench-'));
  removeFolderAfterwards(folder);
  const ports = await allByName(benchSubgraphs, () => freePort());
  const jwksPort = await freePort();
  const subgraphs = startChild({
    name: 'subgraphs',
    command: process.execPath,
    args: [
      fileURLToPath(new URL('./subgraphs.ts', import.meta.url)),
      JSON.stringify({ ports, jwks: { port: jwksPort, text: issuer.jwks } }),
    ],
    logFile: join(folder, 'subgraphs.log'),
  });
  pin(subgraphs.pid, CLIENT_CORE);
  const redis = await redisStore.startPrivately({ folder, configured: {}, durability: 'disposable' });
  const urls = byName(benchSubgraphs, (name) => `http://127.0.0.1:${ports[name]}/graphql`);
  const supergraphSdl = composeBenchGraph(urls);
  const supergraphFile = join(folder, 'supergraph.graphql');
  const recordingFile = join(folder, 'recording.json');
  writeFileSync(supergraphFile, supergraphSdl);
  writeFileSync(recordingFile, JSON.stringify(await record(supergraphSdl, urls)));
  const jwksUrl = `http://127.0.0.1:${jwksPort}/jwks.json`;
  return { folder, supergraphFile, recordingFile, urls, redisUrl: redis.url, jwksUrl };
}

/** Starts a contestant and waits until it answers. @returns why it does not */
async function enter(
  contestant: Contestant,
  field: Field,
  issuer: TokenIssuer,
  running: Map<Contestant, Running>,
): Promise<string | undefined> {
  const started = await contestant.start(field);
  const { child, logFile } = started;
  pin(child.pid, GATEWAY_CORE);
  let reason = 'it does not answer in time';
  for (const end = Date.now() + START_TIMEOUT_MS; Date.now() < end && child.isRunning(); await delay(200)) {
    try {
      const answer = await ask(started, await headersFor(contestant, issuer), 'small', 0);
      if (answer.data) {
        // What it has started since then belongs to it.
        pin(child.pid, GATEWAY_CORE);
        running.set(contestant, started);
        return undefined;
      }
      reason = JSON.stringify(answer).slice(0, 500);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  if (!child.isRunning()) return `it ${await child.ended}\n${lastWords(logFile)}`;
  await child.stop();
  return reason;
}

async function headersFor({ isAnonymous }: Contestant, issuer: TokenIssuer): Promise<Record<string, string>> {
  return isAnonymous ? {} : { authorization: `Bearer ${await issuer.token()}` };
}

async function ask(
  { url }: Running,
  headers: Record<string, string>,
  workload: WorkloadName,
  request: number,
): Promise<{ data?: unknown; bytes: number }> {
  const { query, variables } = workloadOf(workload);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ query, variables: variables(request) }),
    signal: AbortSignal.timeout(20_000),
  });
  const text = await answer.text();
  return { ...(JSON.parse(text) as { data?: unknown }), bytes: Buffer.byteLength(text) };
}

/**
 * A gateway that answers something else is not measured but mistaken. Whether members of objects come in the same order is not asked here.
 *
 * @returns how many bytes each one's answers have
 */
async function compareAnswers(
  running: Map<Contestant, Running>,
  workloads: WorkloadName[],
  issuer: TokenIssuer,
): Promise<Map<Contestant, Map<WorkloadName, number>>> {
  const [first] = running;
  const sizes = new Map([...running.keys()].map((contestant) => [contestant, new Map<WorkloadName, number>()]));
  for (const workload of workloads) {
    if (!first) break;
    const expected = await ask(first[1], await headersFor(first[0], issuer), workload, 0);
    for (const [contestant, gateway] of running) {
      const answer = await ask(gateway, await headersFor(contestant, issuer), workload, 0);
      if (!isDeepStrictEqual(answer.data, expected.data))
        throw new Error(
          `${contestant.name} answers ${workload} otherwise than ${first[0].name}: ${JSON.stringify(answer).slice(0, 500)}`,
        );
      sizes.get(contestant)?.set(workload, answer.bytes);
    }
  }
  return sizes;
}

async function load(order: LoadOrder): Promise<LoadResult> {
  const script = fileURLToPath(new URL('./load.ts', import.meta.url));
  const { stdout } = await promisify(execFile)('taskset', [
    '-c',
    String(CLIENT_CORE),
    process.execPath,
    script,
    JSON.stringify(order),
  ]);
  return JSON.parse(stdout) as LoadResult;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}
