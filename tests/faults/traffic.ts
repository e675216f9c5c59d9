import { setTimeout as delay } from 'node:timers/promises';
import { quantile } from '@souk/dev/quantile';
import { Pool } from 'undici';
import { MAX_REST_MS } from './client.ts';
import type { Rig } from './rig.ts';

/** What came of one request, as its client saw it. */
export interface Seen {
  /** When it was sent, on the clock of `performance.now()`. */
  sentAtMs: number;
  tookMs: number;
  /** Null when the connection was refused or cut, or nothing came in time. */
  status: number | null;
  text: string;
}

/** A client that only looks and never throws: for load whose failures are counted. */
export interface Visitor {
  send(query: string, variables?: unknown, accessToken?: string): Promise<Seen>;
  close(): Promise<void>;
}

/** What most visitors ask for. */
export const Browse = '{ products(first: 10) { nodes { id title priceRange { min { amount } } } } }';

const PATIENCE_MS = 15_000;

export function openVisitor(rig: Rig, connections = 512): Visitor {
  const { origin, pathname } = new URL(rig.shop.gatewayUrl);
  const pool = new Pool(origin, { connections, keepAliveMaxTimeout: MAX_REST_MS });
  return {
    async send(query, variables, accessToken) {
      const sentAtMs = performance.now();
      const seen = (status: number | null, text: string): Seen => {
        return { sentAtMs, tookMs: performance.now() - sentAtMs, status, text };
      };
      try {
        const { statusCode, body } = await pool.request({
          method: 'POST',
          path: pathname,
          headers: {
            'content-type': 'application/json',
            ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
          },
          body: JSON.stringify({ query, variables }),
          signal: AbortSignal.timeout(PATIENCE_MS),
        });
        return seen(statusCode, await body.text());
      } catch (error) {
        return seen(null, String(error));
      }
    },
    close: () => pool.close(),
  };
}

/** Does something so many times a second, whether or not the earlier ones are done, as the world does. Resolves when all are. */
export async function paced<Result>(
  { perSecond, seconds }: { perSecond: number; seconds: number },
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  return atPace(perSecond, (index) => index < perSecond * seconds, work);
}

/** The same until somebody says that it is enough. */
export function pacedUntil<Result>(
  { perSecond, enough }: { perSecond: number; enough: AbortSignal },
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  return atPace(perSecond, () => !enough.aborted, work);
}

async function atPace<Result>(
  perSecond: number,
  goesOn: (index: number) => boolean,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const startedAt = performance.now();
  const results: Promise<Result>[] = [];
  for (let index = 0; goesOn(index); index++) {
    const dueMs = startedAt + (index * 1_000) / perSecond - performance.now();
    if (dueMs > 1) await delay(dueMs);
    results.push(work(index));
  }
  return Promise.all(results);
}

export const p99 = (seen: readonly Seen[]) =>
  quantile(
    seen.map(({ tookMs }) => tookMs),
    0.99,
  );
