import type { FastifyReply } from 'fastify';

/** Says when the client of a request hangs up before it has its answer, so that nobody goes on working for it. */
export function hangUpOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort(new Error('The client hung up.'));
  });
  return controller.signal;
}
