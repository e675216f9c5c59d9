import { CHANGES_CHANNEL, type Change, changeIn } from '@souk/platform/changes';
import type { RedisConnection } from '@souk/platform/redis';

/** What gateways are told has changed, for those who follow it. */
export interface LiveChanges {
  /** Follows what has this id, from now on. */
  watch(id: string): Watch;
  close(): void;
}

export interface Watch {
  /**
   * Waits until it has changed, or may have, since this was last asked; at once where it has by then.
   *
   * @param atMostMs how long to wait for that
   * @returns what was announced; undefined where it is only time to look again, or `signal` ended the wait
   */
  changed(signal: AbortSignal, atMostMs?: number): Promise<Change | undefined>;
  /** Has it looked at again, whether it has changed or not. */
  lookAgain(): void;
  stop(): void;
}

/** An announcement that was lost on the way is made up for after this long. It happens when a connection to Redis is dead and nobody has noticed. */
const LOOK_EVERY_MS = 60_000;
/** The same while there is no connection, and nothing can be announced. */
const LOOK_EVERY_AWAY_MS = 5_000;
/** What was missed while Redis was away is looked for within this time, by each at another moment. */
const CATCH_UP_MS = 2_000;

/**
 * Listens for changes on one connection, however many follow them.
 *
 * @param onChange told of each before those who follow it
 */
export function followChanges(redis: RedisConnection, onChange: () => void): LiveChanges {
  const watches = new Map<string, Set<OpenWatch>>();
  let isFirst = true;
  const unsubscribe = redis.subscribe(CHANGES_CHANNEL, hear, catchUp);

  function hear(message: string): void {
    const change = changeIn(message);
    if (!change) return;
    onChange();
    for (const watch of watches.get(change.id) ?? []) watch.tell(change);
  }

  function catchUp(): void {
    // Who began to follow before that has looked since, or is about to.
    if (!isFirst) for (const watch of [...watches.values()].flatMap((some) => [...some])) watch.lookWithin(CATCH_UP_MS);
    isFirst = false;
  }

  return {
    watch(id) {
      const watch = openWatch(() => redis.client.status === 'ready');
      const some = watches.get(id) ?? new Set();
      watches.set(id, some.add(watch));
      return {
        ...watch,
        stop() {
          watch.stop();
          some.delete(watch);
          if (some.size === 0 && watches.get(id) === some) watches.delete(id);
        },
      };
    },
    close: unsubscribe,
  };
}

interface OpenWatch extends Watch {
  tell(change: Change): void;
  lookWithin(milliseconds: number): void;
}

function openWatch(isAnnounced: () => boolean): OpenWatch {
  let news: { change: Change | undefined } | undefined;
  let waker: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  function note(change: Change | undefined): void {
    news = { change };
    waker?.();
  }

  /** Until there are news, `signal` aborts, or the time is over. */
  function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(alarm);
        signal.removeEventListener('abort', wake);
        waker = undefined;
        resolve();
      };
      const alarm = setTimeout(wake, milliseconds);
      signal.addEventListener('abort', wake);
      waker = wake;
    });
  }

  return {
    tell: note,
    lookAgain: () => note(undefined),
    lookWithin(milliseconds) {
      clearTimeout(timer);
      timer = setTimeout(note, Math.random() * milliseconds, undefined).unref();
    },
    async changed(signal, atMostMs = spread(LOOK_EVERY_MS)) {
      const since = performance.now();
      while (!news && !signal.aborted) {
        const leftMs = atMostMs - (performance.now() - since);
        if (leftMs <= 0) break;
        await sleep(Math.min(leftMs, spread(LOOK_EVERY_AWAY_MS)), signal);
        if (!isAnnounced()) break;
      }
      const change = news?.change;
      news = undefined;
      return change;
    },
    stop: () => clearTimeout(timer),
  };
}

/** So that not all look at the same moment. */
function spread(milliseconds: number): number {
  return milliseconds * (0.75 + Math.random() / 2);
}
