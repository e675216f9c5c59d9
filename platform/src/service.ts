import { randomUUID } from 'node:crypto';
import { Server } from 'node:net';
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
import { collectDefaultMetrics, register } from 'prom-client';
import { durationMs, integer, jwk, jwks, oneOf, port, text, url } from './env.ts';
import { flushTelemetry } from './flush-telemetry.ts';
import { answerErrors, type UnreadableRequest, unreadableHandlers } from './http-errors.ts';
import { REQUEST_ID_HEADER } from './identity.ts';
import type { Logger } from './logger.ts';
import { createHistogram } from './metrics.ts';
import { ambiguousHostOf, REQUEST_TIMEOUT_MS, strictHttp } from './strict-http.ts';
import { within } from './within.ts';

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

const durations = createHistogram({
  name: 'souk_http_request_duration_seconds',
  help: 'Time from request to answer.',
  labelNames: ['route', 'status'],
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
});
collectDefaultMetrics();

/** How long a connection may rest between two requests: longer than the proxies that are common keep theirs, so that it is they who end it. */
export const KEEP_ALIVE_MS = 72_000;
/** Requests above this many bytes are refused before they are read. */
const BODY_LIMIT_BYTES = 256 * 1024;
/** So are headers above this many, all of them and the address together. */
const HEADER_LIMIT_BYTES = 16 * 1024;

/**
 * A Fastify instance with request ids, logs, durations and limits; the service adds its routes.
 * `trustedProxyHops` says how many proxies in front may name the client's address; with 0 it is the socket's.
 * `bodyLimitBytes` is for servers that are asked by services only. `onUnreadable` is told of requests that get to no route and no hook.
 */
export function createHttpServer(
  logger: Logger,
  { trustedProxyHops = 0, bodyLimitBytes = BODY_LIMIT_BYTES, onUnreadable = () => {} }: HttpServerOptions = {},
): FastifyInstance {
  const { refuseOtherExpectations, ...unreadable } = unreadableHandlers(onUnreadable);
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    // One line for each request that failed, none for those that went well: traces and metrics tell those, and the gateway has a request log of its own.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    requestIdHeader: false,
    genReqId: ({ headers }) => requestIdFor(headers[REQUEST_ID_HEADER]),
    trustProxy: trustedProxyHops > 0 && ((_address: string, hop: number) => hop < trustedProxyHops),
    bodyLimit: bodyLimitBytes,
    http: { ...strictHttp, maxHeaderSize: HEADER_LIMIT_BYTES },
    ...unreadable,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Who is connected still is served, and told by `connection: close` to come no more.
    return503OnClosing: false,
  });
  answerErrors(app);
  // After the hooks in which services begin to tell of a request, so that they tell of this one, too.
  app.addHook('preParsing', (request, _reply, payload, done) => done(ambiguousHostOf(request), payload));
  refuseOtherExpectations(app);
  endConnectionsOnLeaving(app);
  app.addHook('onResponse', (request, reply, done) => {
    if (!staysOpen(request, reply))
      requestAnswered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime);
    done();
  });
  return app;
}

/** Counts an answer, and how many milliseconds it took. Servers made here do so for each. */
export function requestAnswered(route: string, status: number, tookMs: number): void {
  durations.labels(route, status).observe(tookMs / 1_000);
}

export interface HttpServerOptions {
  trustedProxyHops?: number;
  bodyLimitBytes?: number;
  onUnreadable?: (request: UnreadableRequest) => void;
}

/** A WebSocket or a stream of events takes as long as its client listens. */
function staysOpen({ headers }: FastifyRequest, { raw }: FastifyReply): boolean {
  return headers.upgrade !== undefined || String(raw.getHeader('content-type')).startsWith('text/event-stream');
}

const leaving = new WeakSet<FastifyInstance>();

/** Whether a server leaves, so that each of its answers has to be the last on its connection. */
export function isLeaving(app: FastifyInstance): boolean {
  return leaving.has(app);
}

/**
 * Each answer of a server that leaves is the last on its connection. Closing ends connections that rest at that moment; one that still has an answer to
 * come would be kept open after it, and closing would wait until it is unused for long.
 */
function endConnectionsOnLeaving(app: FastifyInstance): void {
  app.addHook('preClose', async () => void leaving.add(app));
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (leaving.has(app)) reply.header('connection', 'close');
    done(null, payload);
  });
}

/** The caller's own id where it is fit to be written to a log, a new one otherwise. */
export function requestIdFor(offered: string | string[] | undefined): string {
  return typeof offered === 'string' && /^[\w.-]{8,64}$/.test(offered) ? offered : randomUUID();
}

/** Adds `/metrics` (Prometheus text): what this process has counted, unless `read` gives something else. */
export function addMetrics(app: FastifyInstance, read: () => Promise<string> = () => register.metrics()): void {
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await read()));
}

/**
 * Adds `/livez` (the process runs; knows no dependency) and `/readyz` (every check passes; 503 with the failing ones otherwise).
 *
 * @param tell what `/readyz` says besides, for a port that is not public
 * @returns how to say "not ready any more" while requests under way finish
 */
export function addHealth(
  app: FastifyInstance,
  checks: Record<string, Check>,
  tell: () => object = () => ({}),
): { stopBeingReady(): void } {
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
    return reply.code(ready ? 200 : 503).send({
      status: stopping ? 'stopping' : ready ? 'ready' : 'not ready',
      checks: Object.fromEntries(results),
      ...tell(),
    });
  });
  return {
    stopBeingReady() {
      stopping = true;
    },
  };
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
