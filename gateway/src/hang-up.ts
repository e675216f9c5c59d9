import { Chain, Link } from '@souk/platform/chain';
import type { FastifyReply } from 'fastify';

/** Says when the client of a request hangs up before it has its answer, so that nobody goes on working for it. */
export function hangUpOf(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort(new Error('The client hung up.'));
  });
  return controller.signal;
}

/** Hears when a client hangs up, until it is unlinked. */
export abstract class HangUpListener extends Link {
  abstract hungUp(): void;
}

const listening = Symbol('listening');
type Heard = AbortSignal & { [listening]?: Chain<HangUpListener> };

/**
 * Has a listener hear when a signal ends. Where many wait for the same signal one after the other, as all requests to subgraphs do for one client, this costs much
 * less than as many event listeners.
 */
export function onHangUp(signal: AbortSignal, listener: HangUpListener): void {
  const hangUp: object = signal;
  const listeners = hangUp instanceof JointHangUp ? hangUp.listeners : ((signal as Heard)[listening] ?? listen(signal));
  listeners.add(listener);
}

function listen(signal: Heard): Chain<HangUpListener> {
  const listeners = new Chain<HangUpListener>();
  signal[listening] = listeners;
  signal.addEventListener('abort', () => tell(listeners));
  return listeners;
}

function tell(listeners: Chain<HangUpListener>): void {
  for (const listener of listeners.members()) {
    // One of those before may have had it stop listening.
    if (listener.isLinked) listener.hungUp();
  }
}

/**
 * Ends when all clients have hung up who wait for the same. It is what is asked here of an `AbortSignal`, which for each query would take longer to make than
 * most else that is made for it.
 */
export class JointHangUp implements Pick<AbortSignal, 'aborted' | 'reason'> {
  aborted = false;
  reason: unknown;
  readonly listeners = new Chain<HangUpListener>();
  #waiting = 0;

  /** One more waits, until what is returned is unlinked because he has what he waited for. */
  join(hungUp: AbortSignal): Link {
    const one = new OneOfThem(hungUp, this.#leave);
    this.#waiting++;
    onHangUp(hungUp, one);
    if (hungUp.aborted) one.hungUp();
    return one;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(new Called(listener));
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    for (const each of this.listeners.members())
      if (each instanceof Called && each.listener === listener) each.unlink();
  }

  readonly #leave = (reason: unknown): void => {
    if (--this.#waiting > 0) return;
    this.aborted = true;
    this.reason = reason;
    tell(this.listeners);
  };
}

class OneOfThem extends HangUpListener {
  readonly #signal: AbortSignal;
  readonly #leave: (reason: unknown) => void;

  constructor(signal: AbortSignal, leave: (reason: unknown) => void) {
    super();
    this.#signal = signal;
    this.#leave = leave;
  }

  override hungUp(): void {
    this.unlink();
    this.#leave(this.#signal.reason);
  }
}

class Called extends HangUpListener {
  readonly listener: () => void;

  constructor(listener: () => void) {
    super();
    this.listener = listener;
  }

  override hungUp(): void {
    this.listener();
  }
}
