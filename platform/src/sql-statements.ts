import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { createCounter, createHistogram } from './metrics.ts';

/** How many statements something took, and how long those took, one added to the other. */
export interface StatementTally {
  count: number;
  durationMs: number;
}

/** Of the request that is being answered; background work, which never rests, has none. */
const tallies = new AsyncLocalStorage<StatementTally>();

/** Runs work that answers a request. Every SQL statement it sends, however deep, is added to `tally`. */
export function tallyStatements<Result>(tally: StatementTally, work: () => Result): Result {
  return tallies.run(tally, work);
}

const statements = createCounter({
  name: 'souk_sql_statements_total',
  help: 'SQL statements sent, without BEGIN and COMMIT, by what caused them.',
  labelNames: ['cause'],
});

const durations = createHistogram({
  name: 'souk_sql_statement_duration_seconds',
  help: 'Time from sending a SQL statement to its whole result, without BEGIN and COMMIT, by what caused it.',
  labelNames: ['cause'],
  buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
});

/** What frames the work, prepares a session or sees whether the store is there. */
const FRAME = /^(begin|commit|rollback|set |start transaction|select 1$)/i;

interface Sent {
  tally: StatementTally | undefined;
  sentAtMs: number;
}

/** By the object that the driver hands over with every news of a statement. */
const underWay = new WeakMap<object, Sent>();

/** The driver tells of every statement of every connection (https://nodejs.org/api/diagnostics_channel.html#tracingchannel-channels). */
tracingChannel<unknown, object>('mysql2:query').subscribe({
  start(statement) {
    if (!('query' in statement) || typeof statement.query !== 'string' || FRAME.test(statement.query)) return;
    const tally = tallies.getStore();
    if (tally) tally.count++;
    statements.labels(causeOf(tally)).inc();
    underWay.set(statement, { tally, sentAtMs: performance.now() });
  },
  end() {},
  asyncStart() {},
  asyncEnd(statement) {
    const sent = underWay.get(statement);
    if (!sent) return;
    const durationMs = performance.now() - sent.sentAtMs;
    if (sent.tally) sent.tally.durationMs += durationMs;
    durations.labels(causeOf(sent.tally)).observe(durationMs / 1_000);
  },
  error() {},
});

function causeOf(tally: StatementTally | undefined): 'request' | 'background' {
  return tally ? 'request' : 'background';
}
