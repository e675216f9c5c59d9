import { expect, inject } from 'vitest';
import { counter } from '../counters.ts';
import { check } from '../invariants/check.ts';
import { openSources } from '../invariants/shop.ts';
import type { Attack } from './attack.ts';
import { expectHonest, type Reply } from './reply.ts';
import { openTables } from './tables.ts';

/** Somebody who wants nothing but to be served meanwhile: where, and as whom. */
export interface Innocent {
  url: string;
  /** Where that gateway tells its counters. */
  metricsUrl: string;
  headers?: () => Record<string, string>;
}

/**
 * What has to be true whatever anybody sends: an honest answer, nothing written unless it was let in, a bystander served at the same moment,
 * every process still the same one, and every invariant of the shop whole.
 */
export interface Oracle {
  /** Lets an attack happen and looks at its answer first; `judge` then looks at what the row wants, and the tables are compared at the end. */
  watch(
    row: Pick<Attack, 'writes' | 'answer' | 'isCrowd'>,
    request: () => Promise<Reply>,
    judge: (reply: Reply) => Promise<void>,
  ): Promise<void>;
  expectAllWell(): Promise<void>;
  close(): Promise<void>;
}

export async function openOracle(innocent: Innocent): Promise<Oracle> {
  const { databaseUrls, metricsUrls } = inject('shop');
  const tables = await openTables(databaseUrls);
  const processes = () =>
    Promise.all(Object.values(metricsUrls).map((url) => counter(url, 'process_start_time_seconds')));
  const startedAt = await processes();
  const bystander = await newBystander(innocent);

  return {
    async watch({ writes = [], answer, isCrowd }, request, judge) {
      const before = await tables.settled();
      const reply = await (isCrowd ? request() : bystander.during(request));
      expectHonest(reply, answer);
      if (writes !== 'anything') expect(await tables.changedSince(before, writes)).toEqual([]);
      await judge(reply);
    },
    async expectAllWell() {
      expect(await processes()).toEqual(startedAt);
      await bystander.during(async () => {});
      await using sources = await openSources({ databaseUrls, providerLog: null });
      const findings = await check(sources, { isSettled: false });
      expect(findings.filter(({ outcome }) => outcome === 'broken' || outcome === 'failed')).toEqual([]);
    },
    close: () => tables.close(),
  };
}

const SLOWEST_MS = 250;
const MOST_OF_IT = 0.7;

/**
 * A bystander is served within a moment while others attack. A machine with much else to do may answer later: then the gateway must not have been at work
 * for most of that time, by the clock that counts its own work only.
 */
async function newBystander({ url, metricsUrl, headers = () => ({}) }: Innocent) {
  const workedMs = async () => 1_000 * (await counter(metricsUrl, 'process_cpu_seconds_total'));
  async function visit(): Promise<number> {
    const startedAt = performance.now();
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers() },
      body: '{"query":"{ __typename }"}',
    });
    expect(await response.json()).toEqual({ data: { __typename: 'Query' } });
    return performance.now() - startedAt;
  }
  await visit();

  return {
    /** Visits while something else happens. */
    async during<Result>(work: () => Promise<Result>): Promise<Result> {
      const before = await workedMs();
      const visiting = visit().then(async (tookMs) => ({
        tookMs,
        workedMs: tookMs > SLOWEST_MS ? (await workedMs()) - before : 0,
      }));
      const [result, visited] = await Promise.all([work(), visiting]);
      expect(visited.workedMs).toBeLessThan(Math.max(SLOWEST_MS, MOST_OF_IT * visited.tookMs));
      return result;
    },
  };
}
