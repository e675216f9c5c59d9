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

/**
 * Ends when all clients have hung up who wait for the same. It is what is asked here of an `AbortSignal`, which for each query would take longer to make than
 * most else that is made for it.
 */
export class JointHangUp implements Pick<AbortSignal, 'aborted' | 'reason'> {
  aborted = false;
  reason: unknown;
  #waiting = 0;
  #listeners: Set<() => void> | undefined;

  /** One more waits. @returns how to say that he has what he waited for */
  join(hungUp: AbortSignal): () => void {
    this.#waiting++;
    if (hungUp.aborted) this.#leave(hungUp.reason);
    return onEnd(hungUp, () => this.#leave(hungUp.reason));
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  #leave(reason: unknown): void {
    if (--this.#waiting > 0) return;
    this.aborted = true;
    this.reason = reason;
    for (const listener of this.#listeners ?? []) listener();
  }
}
