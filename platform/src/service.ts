import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import closeWithGrace from 'close-with-grace';
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify';
import { collectDefaultMetrics, Histogram, register } from 'prom-client';
import { durationMs, integer, jwk, jwks, oneOf, port, text, url } from './env.ts';
import { clipMessage, type ErrorCode } from './errors.ts';
import { flushTelemetry } from './flush-telemetry.ts';
import { REQUEST_ID_HEADER } from './identity.ts';
import type { Logger } from './logger.ts';
import { REQUEST_TIMEOUT_MS, refuseAmbiguousHost, refuseOtherExpectations, strictHttp } from './strict-http.ts';

/** What every service reads from its environment. A service's `env.ts` spreads this and adds its own. */
export const serviceEnvironment = {
  NODE_ENV: oneOf(['development', 'test', 'production']).default('development'),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  HOST: text('The address to listen on, for example 0.0.0.0.').default('127.0.0.1'),
  PORT: port(),
  REDIS_URL: url(['redis:', 'rediss:'], 'redis://localhost:6379'),
  /** This service's Ed25519 key; `kid` is its name. */
  SERVICE_PRIVATE_KEY: jwk(),
  /** The public keys of all services. */
  SERVICE_PUBLIC_KEYS: jwks(),
  /** How long a service that was told to stop goes on as before, but for saying that it leaves, so that whoever sends it requests can turn elsewhere. */
  LEAVE_NOTICE: durationMs().default(3_000),
  /** How long requests under way may take after that. */
  DRAIN_TIMEOUT: durationMs().default(15_000),
};

/** What a subgraph reads on top. */
export const subgraphEnvironment = {
  ...serviceEnvironment,
  DATABASE_URL: url(['mysql:', 'mariadb:'], 'mysql://souk_order:secret@localhost:3306/souk_order'),
  DATABASE_POOL_SIZE: integer(1, 200).default(10),
  /** Answer requests, do the background work, or both. */
  ROLE: oneOf(['server', 'worker', 'all']).default('all'),
};

/** A dependency's answer to "can you work?": resolves when it can, rejects otherwise. */
export type Check = () => Promise<unknown>;

const durations = new Histogram({
  name: 'souk_http_request_duration_seconds',
  help: 'Time from request to answer.',
  labelNames: ['route', 'status'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});
collectDefaultMetrics();

/** Requests above this many bytes are refused before they are read. */
const BODY_LIMIT_BYTES = 256 * 1024;
/** So are headers above this many, all of them and the address together. */
const HEADER_LIMIT_BYTES = 16 * 1024;

/**
 * A Fastify instance with request ids, logs, durations and limits; the service adds its routes.
 * `trustedProxyHops` says how many proxies in front may name the client's address; with 0 it is the socket's.
 * `bodyLimitBytes` is for servers that are asked by services only.
 */
export function createHttpServer(
  logger: Logger,
  { trustedProxyHops = 0, bodyLimitBytes = BODY_LIMIT_BYTES } = {},
): FastifyInstance {
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // One line for each request that failed, none for those that went well: traces and metrics tell those, and the gateway has a request log of its own.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    requestIdHeader: false,
    genReqId: ({ headers }) => requestId(headers[REQUEST_ID_HEADER]),
    trustProxy: trustedProxyHops > 0 && ((_address: string, hop: number) => hop < trustedProxyHops),
    bodyLimit: bodyLimitBytes,
    http: { ...strictHttp, maxHeaderSize: HEADER_LIMIT_BYTES },
    clientErrorHandler: answerUnreadable,
    keepAliveTimeout: 72_000,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Who is connected still is served, and told by `connection: close` to come no more.
    return503OnClosing: false,
    frameworkErrors: (_error, request, reply) =>
      answerError(reply, 400, request.id, 'BAD_USER_INPUT', 'Expected the address of the request to be well-formed.'),
  });
  app.setErrorHandler((error, request, reply) => {
    const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
    // Below 500 it is Fastify's own word about the request: its size, its media type, its JSON.
    if (status >= 400 && status < 500)
      return answerError(reply, status, request.id, 'BAD_USER_INPUT', (error as Error).message);
    request.log.error({ err: error }, 'unexpected error');
    return answerError(reply, 500, request.id, 'INTERNAL_SERVER_ERROR', 'Something went wrong on our side.');
  });
  // After the hooks in which services begin to tell of a request, so that they tell of this one, too.
  app.addHook('preParsing', refuseAmbiguousHost);
  refuseOtherExpectations(app, (message) => errorBody(randomUUID(), 'BAD_USER_INPUT', message));
  endConnectionsOnLeaving(app);
  app.addHook('onResponse', async (request, reply) => {
    if (staysOpen(request, reply)) return;
    durations.observe(
      { route: request.routeOptions.url ?? 'unknown', status: reply.statusCode },
      reply.elapsedTime / 1000,
    );
  });
  return app;
}

/** A WebSocket or a stream of events takes as long as its client listens. */
function staysOpen({ headers }: FastifyRequest, { raw }: FastifyReply): boolean {
  return headers.upgrade !== undefined || String(raw.getHeader('content-type')).startsWith('text/event-stream');
}

const leaving = new WeakSet<FastifyInstance>();

/**
 * Each answer of a server that leaves is the last on its connection. Closing ends connections that rest at that moment; one that still has an answer to
 * come would be kept open after it, and closing would wait until it is unused for long.
 */
function endConnectionsOnLeaving(app: FastifyInstance): void {
  app.addHook('preClose', async () => void leaving.add(app));
  app.addHook('onSend', async (_request, reply) => {
    if (leaving.has(app)) reply.header('connection', 'close');
  });
}

/** An error outside GraphQL, in the shape of one inside. What Fastify would answer repeats the messages of unexpected errors. */
function answerError(reply: FastifyReply, status: number, requestId: string, code: ErrorCode, message: string) {
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send(errorBody(requestId, code, message));
}

function errorBody(requestId: string, code: ErrorCode, message: string): string {
  return JSON.stringify({
    errors: [{ message: clipMessage(message), extensions: { code, retryable: false, requestId } }],
  });
}

/** Answers what Node could not read as a request, so that there is none that a route could answer. The connection is of no use after that. */
function answerUnreadable({ code }: { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = unreadable[code ?? ''] ?? [400, 'Expected a well-formed HTTP request.'];
  refuseOnSocket(socket, status, message);
}

/** Answers a request that is no route's to answer, in the shape of all errors outside GraphQL, and ends its connection. */
export function refuseOnSocket(socket: Duplex, status: number, message: string): void {
  const requestId = randomUUID();
  const body = errorBody(requestId, 'BAD_USER_INPUT', message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    `${REQUEST_ID_HEADER}: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const unreadable: Record<string, [status: number, message: string]> = {
  HPE_HEADER_OVERFLOW: [431, 'Expected the headers of the request to be shorter.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Expected the whole request sooner.'],
};

/** The caller's own id where it is fit to be written to a log, a new one otherwise. */
function requestId(offered: string | string[] | undefined): string {
  return typeof offered === 'string' && /^[\w.-]{8,64}$/.test(offered) ? offered : randomUUID();
}

/** Adds `/metrics` (Prometheus text): what this process has counted, unless `read` gives something else. */
export function addMetrics(app: FastifyInstance, read: () => Promise<string> = () => register.metrics()): void {
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await read()));
}

/**
 * Adds `/livez` (the process runs; knows no dependency) and `/readyz` (every check passes; 503 with the failing ones otherwise).
 *
 * @returns how to say "not ready any more" while requests under way finish
 */
export function addHealth(app: FastifyInstance, checks: Record<string, Check>): { stopBeingReady(): void } {
  let stopping = false;
  app.get('/livez', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    const results = await Promise.all(
      Object.entries(checks).map(
        async ([name, check]) =>
          [
            name,
            await within(1_000, check).then(
              () => 'ok',
              () => 'failed',
            ),
          ] as const,
      ),
    );
    const ready = !stopping && results.every(([, result]) => result === 'ok');
    return reply
      .code(ready ? 200 : 503)
      .send({ status: stopping ? 'stopping' : ready ? 'ready' : 'not ready', checks: Object.fromEntries(results) });
  });
  return {
    stopBeingReady() {
      stopping = true;
    },
  };
}

async function within(timeoutMs: number, check: Check): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('No answer in time.')), timeoutMs);
  try {
    await Promise.race([check(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What hangs while closing, usually because the other side is gone, must not keep the rest from closing. */
const CLOSE_TIMEOUT_MS = 5_000;

export interface RunningService {
  logger: Logger;
  app: FastifyInstance;
  stopBeingReady(): void;
  /** Called in order after the last request: workers, peers, pools. */
  closers: (() => Promise<unknown>)[];
  listen: { host: string; port: number };
  /** Default: none, and it is gone at once. */
  noticeMs?: number;
  drainTimeoutMs: number;
}

export interface StartedService {
  /** Stops as on SIGTERM. Harmless when it is stopping already. */
  stop(): void;
  /**
   * Stops because another process has taken its place at the same port, where node:cluster hands out connections: from now on it gets no new ones, and those
   * it has are served for `noticeMs`, and told to end, as on any other way out. The service as a whole stays, so this process stays ready.
   */
  giveWay(): void;
}

/**
 * Listens, and on SIGTERM, SIGINT or an unexpected error stops in order: readiness off, and for `noticeMs` everything is answered with the request to
 * come no more → the port is closed, requests under way finish → `closers` one after another → exit.
 * The whole may take twice `drainTimeoutMs`; after that the process ends anyway.
 */
export async function runService(service: RunningService): Promise<StartedService> {
  const { logger, app, closers, listen, noticeMs = 0, drainTimeoutMs } = service;
  let isReplaced = false;
  let isStopping = false;
  const grace = closeWithGrace({ delay: drainTimeoutMs * 2, logger: false }, async ({ err, signal }) => {
    isStopping = true;
    if (err) logger.fatal({ err }, 'stopping after an unexpected error');
    else logger.info({ signal }, isReplaced ? 'giving way to another process' : 'stopping');
    if (isReplaced) takeNoMoreConnections(app);
    else service.stopBeingReady();
    leaving.add(app);
    if (!err) await delay(noticeMs);
    await within(drainTimeoutMs, () => app.close()).catch((error: unknown) =>
      logger.warn({ err: error }, 'requests were cut off'),
    );
    for (const close of closers)
      await within(CLOSE_TIMEOUT_MS, close).catch((error: unknown) => logger.warn({ err: error }, 'could not close'));
    await flushTelemetry();
    if (err) process.exitCode = 1;
  });
  await app.listen(listen);
  logger.info({ host: listen.host, port: listen.port }, 'ready');
  const stop = () => {
    if (!isStopping) grace.close();
  };
  return {
    stop,
    giveWay() {
      isReplaced = true;
      stop();
    },
  };
}

/** A server of HTTP that closes ends the connections that rest, too, and a request may be on its way on one of them. */
function takeNoMoreConnections({ server }: FastifyInstance): void {
  Server.prototype.close.call(server);
}
