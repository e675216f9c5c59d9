import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import { allQueues, closeInTime, openQueue, producerConnection } from '@souk/platform/queues';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticate } from './authenticate.ts';
import { addSignIn, SIGN_IN_PATH, signInThrough, tokenIn } from './job-board-sign-in.ts';

export interface JobBoardOptions {
  redisUrl: string;
  authenticate: Authenticate;
  /** The public server, through whose endpoint for staff people sign in. */
  gateway: FastifyInstance;
  logger: Logger;
}

/** The board twice: for those who may act, and for those who may look, where the board itself refuses everything else. */
const boards = [
  { path: '/jobs/manage', scope: 'job:write', readOnlyMode: false },
  { path: '/jobs/view', scope: 'job:read', readOnlyMode: true },
] as const;

/**
 * Adds Bull Board at `/jobs`, over all queues, for staff who sign in there. `app` is the internal server: the board is not for the public port.
 * While Redis is away the board says so; nothing else depends on it.
 */
export async function addJobBoard(app: FastifyInstance, options: JobBoardOptions): Promise<void> {
  const { redisUrl, authenticate, gateway, logger } = options;
  const redis = producerConnection(redisUrl, logger);
  const queues = allQueues().map((address) => openQueue(address, { redis, logger }));
  app.addHook('onClose', async () => {
    await closeInTime(...queues);
    redis.disconnect();
  });

  const viewerOf = async (request: FastifyRequest, token = tokenIn(request)): Promise<Viewer | null> =>
    token ? authenticate({ authorization: `Bearer ${token}`, clientIp: request.ip }) : null;

  await app.register(async (jobs) => {
    jobs.addHook('onRequest', protect);
    addSignIn(jobs, {
      signIn: signInThrough(gateway),
      mayEnter: async (request, token) => mayUse(boards[1], await viewerOf(request, token)),
    });
    jobs.get('/jobs', async (request, reply) => {
      const viewer = await admit(request, reply, boards[1]);
      if (!viewer) return reply;
      return reply.redirect(`${boards.find((board) => mayUse(board, viewer))?.path}/`);
    });
    for (const board of boards) {
      await jobs.register(async (scope) => {
        scope.addHook('onRequest', async (request, reply) => {
          if (!(await admit(request, reply, board))) return reply;
          if (redis.status === 'ready') return undefined;
          return reply.code(503).send('Redis cannot be reached, so nothing is known of the jobs.');
        });
        const adapter = new FastifyAdapter().setBasePath(board.path);
        createBullBoard({
          queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: board.readOnlyMode })),
          serverAdapter: adapter,
          options: { uiConfig: { boardTitle: 'Souk jobs', hideDocsLink: true } },
        });
        await scope.register(adapter.registerPlugin(), { prefix: board.path });
      });
    }
  });

  /** Who asks, if they may use this board; otherwise the request is answered: people are shown where to sign in, programs are told. */
  async function admit(request: FastifyRequest, reply: FastifyReply, board: Board): Promise<Viewer | undefined> {
    const viewer = await viewerOf(request).catch((error: unknown) => {
      if (error instanceof SoukError && error.code === 'UNAUTHENTICATED') return null;
      if (error instanceof SoukError) return error;
      throw error;
    });
    if (viewer instanceof SoukError) reply.code(viewer.code === 'FORBIDDEN' ? 403 : 503).send(viewer.message);
    else if (viewer === null && request.method === 'GET' && request.headers.accept?.includes('text/html'))
      reply.redirect(SIGN_IN_PATH);
    else if (viewer === null) reply.code(401).send(`Sign in at ${SIGN_IN_PATH}.`);
    else if (!mayUse(board, viewer))
      reply.code(403).send(`This needs the scope ${board.scope}, which your roles do not grant.`);
    else return viewer;
    return undefined;
  }
}

type Board = (typeof boards)[number];

const mayUse = ({ scope }: Board, viewer: Viewer | null) => viewer?.scopes.has(scope) ?? false;

/** What holds for every answer under `/jobs`; and whatever changes something must be asked for by a page of this very origin. */
async function protect(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  reply.headers({
    'cache-control': 'no-store',
    'content-security-policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    // Without a referrer browsers would leave out the origin of a form, too.
    'referrer-policy': 'same-origin',
  });
  if (['GET', 'HEAD'].includes(request.method) || isFromHere(request)) return undefined;
  return reply.code(403).send('Expected a request from a page of this board.');
}

function isFromHere({ headers }: FastifyRequest): boolean {
  const { origin = '', host } = headers;
  return URL.canParse(origin) && new URL(origin).host === host;
}
