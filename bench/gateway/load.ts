import { type ProcessUsage, usageOf } from '../process-usage.ts';
import { openClient } from './client.ts';
import { type WorkloadName, workloadOf } from './workloads.ts';

/** What a load process is told, as JSON in its one argument. */
export interface LoadOrder {
  url: string;
  headers: Record<string, string>;
  workload: WorkloadName;
  /** How many bytes its answer has. */
  answerBytes: number;
  connections: number;
  warmUpMs: number;
  durationMs: number;
  /** The first request's number, so that none is repeated by a later order. */
  from: number;
  /** Whose processor time is counted. */
  pid: number;
}

/** What it writes to its output when it is done, as JSON. */
export interface LoadResult {
  /** Those that were answered, and no others. */
  requests: number;
  /** Answers that had another status than 200 or another length than they should, or none at all. */
  failures: number;
  seconds: number;
  p50Ms: number;
  p99Ms: number;
  bytesPerAnswer: number;
  cpuMs: number;
  residentMb: number;
  /** The number of the next request. */
  next: number;
}

/** Each connection sends its next request as soon as it has the answer to the one before. */
async function load(order: LoadOrder): Promise<LoadResult> {
  const { url, headers, workload: name, answerBytes, connections, warmUpMs, durationMs, pid } = order;
  const workload = workloadOf(name);
  const durationsMs: number[] = [];
  let next = order.from;
  let failures = 0;
  let measured = false;

  const end = performance.now() + warmUpMs + durationMs;
  const clients = Promise.all(Array.from({ length: connections }, keepAsking));
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  const before = usageOf(pid);
  const startedAt = performance.now();
  measured = true;
  await new Promise((resolve) => setTimeout(resolve, end - performance.now()));
  measured = false;
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = usageOf(pid);
  await clients;

  durationsMs.sort((one, other) => one - other);
  const at = (share: number) =>
    durationsMs[Math.min(durationsMs.length - 1, Math.floor(durationsMs.length * share))] ?? 0;
  return {
    requests: durationsMs.length,
    failures,
    seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    bytesPerAnswer: answerBytes,
    ...difference(before, after),
    next,
  };

  async function keepAsking(): Promise<void> {
    let client = openClient(url, headers);
    while (performance.now() < end) {
      if (client.isOver()) client = openClient(url, headers);
      const body = JSON.stringify({ query: workload.query, variables: workload.variables(next++) });
      const sentAt = performance.now();
      const { status, size } = await client.ask(body);
      if (!measured) continue;
      if (status === 200 && size === answerBytes) durationsMs.push(performance.now() - sentAt);
      else failures++;
    }
    client.close();
  }
}

function difference(before: ProcessUsage, after: ProcessUsage) {
  return { cpuMs: after.cpuMs - before.cpuMs, residentMb: after.residentMb };
}

if (import.meta.main) {
  process.stdout.write(JSON.stringify(await load(JSON.parse(process.argv[2] ?? '{}') as LoadOrder)));
}
