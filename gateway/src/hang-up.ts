import type { FastifyReply } from 'fastify';

/** Says when the client of a request hangs up before it has its answer, so that nobody goes on working for it. */
export function hangUpOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort(new Error('The client hung up.'));
  });
  return controller.signal;
}

const listening = Symbol('listening');
type Heard = AbortSignal & { [listening]?: Set<() => void> };

/**
 * Calls a listener when a signal ends. Where many wait for the same signal, as all requests to subgraphs do for one client, this costs much less than as many
 * event listeners.
 *
 * @returns how to stop listening
 */
export function onEnd(signal: Heard, listener: () => void): () => void {
  const listeners = signal[listening] ?? listen(signal);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function listen(signal: Heard): Set<() => void> {
  const listeners = new Set<() => void>();
  signal[listening] = listeners;
  signal.addEventListener('abort', () => {
    for (const listener of [...listeners]) listener();
  });
  return listeners;
}
