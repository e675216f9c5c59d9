import { AsyncLocalStorage } from 'node:async_hooks';
import { CallFailure } from '../call-failure.ts';
import { type Connection, openConnection } from './connection.ts';
import { Exchange, type HttpPost } from './exchange.ts';
import type { Target } from './open-socket.ts';
import { createRequestWriter } from './request-text.ts';

export interface HttpPoolOptions {
  /** Scheme, host and port. */
  origin: string;
  /** How many connections there may be at once; further requests wait for one. */
  connections: number;
  /** The one address of the host to connect to, where it has several; the host's name is still what is asked for and what a certificate is held against. */
  ip?: string;
  /** So long may answers take where requests share connections. */
  quickMs?: number;
}

export interface HttpPool {
  origin: string;
  /**
   * Sends a request.
   *
   * @throws {TypeError} when a header has letters that none may have
   */
  post(request: HttpPost): Pick<Exchange, 'abandon'>;
  /** Takes nothing more, and resolves when all requests are answered. */
  close(): Promise<void>;
}

/**
 * A connection that nobody needs is let go before a service that leaves would close it (`LEAVE_NOTICE` of service.ts): a request that crosses such an end on
 * its way is lost, and nobody knows whether it arrived.
 */
const REST_MS = 2_000;
/** What a server says of how long it keeps a connection is when it ends it; a request takes a while to get there. */
const REST_MARGIN_MS = 2_000;
/** Who has sent a slow one first keeps so many others from their answers. */
const MAX_SHARING = 8;
/** Of one in so many answers it is not known whether it will be slow. */
const QUICK_BEFORE_SHARING = 100;
const QUICK_MS = 20;

/**
 * Opens keep-alive connections to one server.
 *
 * Requests that come at the same moment, which under load are many, *share* a connection if they may: they are written at once, and answered in order (pipelining;
 * RFC 9112, section 9.3.2), which costs all who take part much less than as many connections. In return, who is behind a slow one waits for it, so they only share
 * while a hundred answers in a row were quick, and nothing is sent on a connection that still owes an answer.
 */
export function openHttpPool({ origin, connections: maxOpen, ip, quickMs = QUICK_MS }: HttpPoolOptions): HttpPool {
  const target: Target = { url: new URL(origin), ip };
  const write = createRequestWriter(target.url.host);
  /** A connection outlives the request that it is opened for, and shall not keep what belongs to that. */
  const outside = AsyncLocalStorage.snapshot();
  const open = new Set<Connection>();
  /** Those without a request, and until when they may rest. The last one has rested for the shortest time. */
  const free: { connection: Connection; untilMs: number }[] = [];
  /** Those that have just become free. */
  let answered: Connection[] = [];
  /** Those that are sent at this moment, together. */
  let gathered: Exchange[] = [];
  const waiting: Exchange[] = [];
  let willTurn = false;
  let quickInARow = 0;
  const closed = Promise.withResolvers<void>();
  let isClosed = false;
  let tidying: NodeJS.Timeout | undefined;

  function post(request: HttpPost): Exchange {
    const exchange = new Exchange(request, write(request.path, request.headers, request.body));
    if (isClosed) queueMicrotask(() => exchange.isAbandoned || request.onFailure(closedAlready()));
    else if (request.mayShare && quickInARow >= QUICK_BEFORE_SHARING) {
      gathered.push(exchange);
      turnSoon();
    } else begin([exchange]);
    return exchange;
  }

  function begin(exchanges: readonly Exchange[]): void {
    const connection = anyConnection();
    if (connection) connection.send(exchanges);
    else waiting.push(...exchanges);
  }

  /** When everything has been read that there is to read, so that a connection that has ended with its answer is not used again. */
  function turnSoon(): void {
    if (willTurn) return;
    willTurn = true;
    setImmediate(turn);
  }

  function turn(): void {
    willTurn = false;
    const connections = answered;
    answered = [];
    for (const connection of connections) offer(connection);
    const exchanges = gathered;
    gathered = [];
    for (let at = 0; at < exchanges.length; at += MAX_SHARING) begin(exchanges.slice(at, at + MAX_SHARING));
  }

  function anyConnection(): Connection | undefined {
    return takeFree() ?? (open.size < maxOpen ? openNew() : undefined);
  }

  function takeFree(): Connection | undefined {
    const last = free.pop();
    if (!last || last.untilMs > performance.now()) return last?.connection;
    // All others have rested for longer.
    last.connection.end();
    for (const { connection } of free.splice(0)) connection.end();
    return undefined;
  }

  function openNew(): Connection {
    const connection = outside(openConnection, target, { onFree, onGone, onAnswer, onTrouble });
    open.add(connection);
    return connection;
  }

  function onFree(connection: Connection): void {
    answered.push(connection);
    turnSoon();
  }

  function offer(connection: Connection): void {
    const next = nextWaiting();
    const restMs = Math.min(REST_MS, (connection.keepsAliveMs() ?? Number.POSITIVE_INFINITY) - REST_MARGIN_MS);
    if (next) connection.send([next]);
    else if (isClosed || restMs <= 0) connection.end();
    else {
      free.push({ connection, untilMs: performance.now() + restMs });
      tidying ??= setTimeout(tidy, REST_MS).unref();
    }
  }

  function nextWaiting(): Exchange | undefined {
    let next = waiting.shift();
    while (next?.isAbandoned) next = waiting.shift();
    return next;
  }

  function onGone(connection: Connection): void {
    open.delete(connection);
    answered = answered.filter((each) => each !== connection);
    const place = free.findIndex((each) => each.connection === connection);
    if (place >= 0) free.splice(place, 1);
    const next = nextWaiting();
    if (next) begin([next]);
    else if (isClosed && open.size === 0) closed.resolve();
  }

  function onAnswer(tookMs: number): void {
    if (tookMs <= quickMs) quickInARow++;
    else quickInARow = 0;
  }

  function onTrouble(): void {
    quickInARow = 0;
  }

  /** Ends those that nobody has needed for long. */
  function tidy(): void {
    const nowMs = performance.now();
    for (const { connection, untilMs } of [...free]) if (untilMs <= nowMs) connection.end();
    tidying = free.length > 0 ? setTimeout(tidy, REST_MS / 2).unref() : undefined;
  }

  return {
    origin,
    post,
    close() {
      isClosed = true;
      clearTimeout(tidying);
      for (const { connection } of free.splice(0)) connection.end();
      if (open.size === 0 && gathered.length === 0) closed.resolve();
      return closed.promise;
    },
  };
}

function closedAlready(): CallFailure {
  return new CallFailure('not-sent', 'Nothing is sent here any more.');
}
