import type { FastifyInstance } from 'fastify';
import type { JSONWebKeySet, JWK } from 'jose';
import { openCacheInvalidation } from './cache-invalidation.ts';
import { type Database, openDatabase } from './database.ts';
import { startEventWorkers } from './event-workers.ts';
import type { AnyEventHandlers } from './events.ts';
import { createSigner, createVerifier, type ServiceName, type Signer } from './identity.ts';
import { type Sweep, startRelay, startSweep, type Workers } from './jobs.ts';
import { createLogger, type Logger } from './logger.ts';
import { openRedis, type RedisConnection } from './redis.ts';
import { addHealth, addMetrics, createHttpServer, runService } from './service.ts';
import { type SubgraphRequest, serveSubgraph } from './subgraph-server.ts';

/** The gateway asks for up to five thousand entities at once, of which each takes some seventy bytes. */
const BODY_LIMIT_BYTES = 1024 * 1024;

/** What a subgraph's `env.ts` gives, at least: `subgraphEnvironment` of service.ts, parsed. */
export interface SubgraphEnvironment {
  LOG_LEVEL: string;
  HOST: string;
  PORT: number;
  DATABASE_URL: string;
  DATABASE_POOL_SIZE: number;
  REDIS_URL: string;
  SERVICE_PRIVATE_KEY: JWK;
  SERVICE_PUBLIC_KEYS: JSONWebKeySet;
  ROLE: 'server' | 'worker' | 'all';
  LEAVE_NOTICE: number;
  DRAIN_TIMEOUT: number;
}

/** What the parts of a subgraph stand on; opened once per process. */
export interface Foundation {
  db: Database;
  redis: RedisConnection;
  signer: Signer;
  logger: Logger;
}

/** What makes a subgraph this one and no other. */
export interface SubgraphParts<Context extends SubgraphRequest> {
  resolvers: object;
  createContext: (request: SubgraphRequest) => Context;
  events: AnyEventHandlers;
  /** Further routes of the server, which prove their callers by means of their own: no assertion is asked for. */
  routes?: (app: FastifyInstance) => void;
  /** Recurring work on the database, for processes that work in the background. */
  sweeps: readonly Sweep[];
  /** Further things to stop with the background work, such as alarms; started only where that work runs. */
  startWorkers?: () => Workers[];
  /** Released last but for the stores: peers, mail. */
  close: (() => Promise<unknown>)[];
}

/** Starts a subgraph process: stores → parts → server (`ROLE` server or all) → background work (`ROLE` worker or all). It stops in the opposite order. */
export async function runSubgraph<Context extends SubgraphRequest>(options: {
  name: ServiceName;
  env: SubgraphEnvironment;
  typeDefs: string;
  parts: (foundation: Foundation) => SubgraphParts<Context>;
}): Promise<void> {
  const { name, env, typeDefs } = options;
  const logger = createLogger(name, { level: env.LOG_LEVEL });
  const database = openDatabase({ url: env.DATABASE_URL, poolSize: env.DATABASE_POOL_SIZE });
  const redis = openRedis({ url: env.REDIS_URL, name, logger });
  const signer = createSigner({ service: name, privateKey: env.SERVICE_PRIVATE_KEY });
  const verify = createVerifier({ audience: name, publicKeys: env.SERVICE_PUBLIC_KEYS });
  const { db } = database;
  const invalidation = openCacheInvalidation({ db, redis });
  const parts = options.parts({ db, redis, signer, logger });

  const app = createHttpServer(logger, { bodyLimitBytes: BODY_LIMIT_BYTES });
  // Redis carries speed, not truth: without it a subgraph is slower and still ready.
  const { stopBeingReady } = addHealth(app, { database: database.ping });
  addMetrics(app);
  const { resolvers, createContext } = parts;
  const stopServer =
    env.ROLE === 'worker' ? async () => {} : await serveSubgraph(app, { typeDefs, resolvers, verify, createContext });
  if (env.ROLE !== 'worker') parts.routes?.(app);

  const workers =
    env.ROLE === 'server'
      ? []
      : [
          startRelay({ service: name, db, redisUrl: env.REDIS_URL, logger }),
          startEventWorkers({ service: name, db, redisUrl: env.REDIS_URL, handlers: parts.events, logger }),
          ...parts.sweeps.map((sweep) => startSweep(sweep, logger)),
          ...(parts.startWorkers?.() ?? []),
        ];

  await runService({
    logger,
    app,
    stopBeingReady,
    listen: { host: env.HOST, port: env.PORT },
    noticeMs: env.LEAVE_NOTICE,
    drainTimeoutMs: env.DRAIN_TIMEOUT,
    closers: [
      stopServer,
      () => Promise.all(workers.map((worker) => worker.close())),
      ...parts.close,
      () => invalidation.close(),
      () => redis.close(),
      () => database.close(),
    ],
  });
}
