import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import {
  accountConnection,
  accountSubscription,
  type SubscriptionAccount,
} from '../accounting/account-subscription.ts';
import { requestScope } from '../request-scope.ts';
import type { Connection, Connections, Ending } from './connections.ts';
import type { LiveResult } from './live-results.ts';
import type { End } from './metrics.ts';
import { type SubscribeOptions, subscribe } from './subscribe.ts';
import { overBecauseOf, SubscriptionOver } from './subscription-over.ts';
import type { SubscriptionPeriods } from './subscription-periods.ts';

const EVENT_STREAM = 'text/event-stream';

/** Whether a request asks for a stream of events. */
export function acceptsEvents(accept = ''): boolean {
  return accept.toLowerCase().includes(EVENT_STREAM);
}

/**
 * Answers a subscription with a stream of events: graphql-sse in its mode of distinct connections
 * (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode), each `next` with the id by which a client can go on
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-last-event-id).
 *
 * Nothing is queued: one result is on its way, and the next one is asked for when the client has taken it. Returns once the stream has begun, and
 * it goes on by itself.
 *
 * @throws {SoukError} RATE_LIMITED when there are too many connections
 */
export async function sendEvents(
  reply: FastifyReply,
  {
    connections,
    periods,
    ...options
  }: Omit<SubscribeOptions, 'connection' | 'signal'> & { connections: Connections; periods: SubscriptionPeriods },
): Promise<void> {
  const { endpoint, scope, identify } = options;
  const connection = connections.open(scope.clientIp);
  try {
    connection.belongsTo(scope.viewer, identify);
  } catch (error) {
    connection.close();
    throw error;
  }
  const account = accountSubscription(scope.record, 'sse', scope.log());
  const closed = accountConnection(endpoint.path, 'sse');
  const signal = AbortSignal.any([connection.signal, scope.hungUp]);
  const opening = subscribe({ ...options, connection, signal });
  const results = await opening.catch((error: unknown) => overBecauseOf(error));
  const stream = beginStream(reply);
  scope.record.isStream = true;
  requestScope
    .run(scope, () => deliver(stream, results, { connection, account, periods }))
    .catch((error: unknown): End => {
      scope.log().error({ err: error }, 'a stream of events broke');
      stream.destroy();
      return 'left';
    })
    .then((end) => {
      account.ended(end);
      closed();
      connection.close();
    });
}

/** Fastify has no more to do with it, but for what it wants to be told of every answer. */
function beginStream(reply: FastifyReply): ServerResponse {
  reply.hijack();
  const stream = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) stream.setHeader(name, value);
  stream.setHeader('content-type', `${EVENT_STREAM}; charset=utf-8`);
  // Proxies neither keep it nor wait until there is more of it.
  stream.setHeader('cache-control', 'no-store, no-transform');
  stream.setHeader('x-accel-buffering', 'no');
  stream.writeHead(200);
  stream.write(PING);
  return stream;
}

interface Delivery {
  connection: Connection;
  account: SubscriptionAccount;
  periods: SubscriptionPeriods;
}

async function deliver(
  stream: ServerResponse,
  results: AsyncIterable<LiveResult> | SubscriptionOver,
  { connection, account, periods }: Delivery,
): Promise<End> {
  const pings = setInterval(() => {
    if (!stream.writableNeedDrain) stream.write(PING);
  }, periods.pingEveryMs);
  try {
    if (results instanceof SubscriptionOver) throw results;
    for await (const { eventId, payload } of results) {
      account.delivered();
      if (await isTaken(stream, eventText('next', payload, eventId), connection.signal, periods)) continue;
      stream.destroy();
      return connection.signal.aborted ? 'leaving' : 'stalled';
    }
    if (!connection.signal.aborted) return 'left';
    const ending = connection.signal.reason as Ending;
    if (ending.kind === 'refused') throw overBecauseOf(ending.error);
    // Without `complete`, a client knows that there would be more. The connection ends with it, or closing would wait for the client to leave.
    end(stream, `retry: ${Math.round(Math.random() * periods.comeBackWithinMs)}\n\n`, periods);
    return 'leaving';
  } catch (error) {
    if (!(error instanceof SubscriptionOver)) throw error;
    const cutOff = setTimeout(() => stream.destroy(), periods.goodbyeMs).unref();
    stream.end(eventText('next', { errors: error.errors }) + eventText('complete'), () => clearTimeout(cutOff));
    return 'refused';
  } finally {
    clearInterval(pings);
  }
}

const PING = ':\n\n';

/** JSON has no line breaks of its own, so one line holds it. */
function eventText(event: 'next' | 'complete', data?: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata:${data ? ` ${JSON.stringify(data)}` : ''}\n\n`;
}

/** Ends a stream together with its connection, whether the client reads to the end or not. */
function end(stream: ServerResponse, text: string, { goodbyeMs }: SubscriptionPeriods): void {
  const { socket } = stream;
  stream.end(text, () => socket?.end());
  const cutOff = setTimeout(() => socket?.destroy(), goodbyeMs).unref();
  socket?.once('close', () => clearTimeout(cutOff));
}

/** Writes, and says whether the client has taken it: it left this process within its time. */
async function isTaken(
  stream: ServerResponse,
  text: string,
  signal: AbortSignal,
  { stalledAfterMs }: SubscriptionPeriods,
): Promise<boolean> {
  if (stream.write(text)) return true;
  const giveUp = AbortSignal.any([signal, AbortSignal.timeout(stalledAfterMs)]);
  return Promise.race([once(stream, 'drain', { signal: giveUp }), once(stream, 'close', { signal: giveUp })]).then(
    () => true,
    () => false,
  );
}
