import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Change } from '@souk/platform/changes';
import { type ErrorCode, SoukError } from '@souk/platform/errors';
import type { GraphQLFormattedError } from 'graphql';
import type { Watch } from './live-changes.ts';
import { overBecauseOf, SubscriptionOver } from './subscription-over.ts';

/** An answer to a live query. */
export interface Answer {
  data?: Record<string, unknown> | null;
  errors?: readonly GraphQLFormattedError[];
  extensions?: Record<string, unknown>;
}

/** What a client is sent. */
export interface LiveResult {
  /** The same for the same content, like an entity tag (RFC 9110, section 8.8.3): a client that names it when it comes back is not sent that again. */
  eventId: string;
  payload: Answer;
}

export interface LiveResultsOptions {
  /** Asks as the viewer who is there now. @throws {SoukError} when there is none who may */
  ask: (change: Change | undefined) => Promise<Answer>;
  responseName: string;
  watch: Watch;
  /** What the client has already. */
  lastEventId: string | undefined;
  /** Ends it. Whoever ends it knows why. */
  signal: AbortSignal;
  onLook: (outcome: 'delivered' | 'same' | 'failed' | 'over') => void;
}

/** Changes that belong together come one soon after the other; this long they are waited for. */
const SETTLE_MS = 40;
const RETRY_AFTER_MS = 500;
const RETRY_AFTER_AT_MOST_MS = 30_000;

/**
 * Follows the answer to a query: the first result is what it is now, each further one what it has become. Whoever iterates sets the pace. What changes in the meantime is
 * not kept but asked for when the next result is wanted, so that a slow client costs nothing and misses nothing but states that have passed.
 *
 * The first answer is awaited before this returns, so that whoever may not listen is told so and nothing else.
 *
 * @throws {SubscriptionOver} from here when it does not begin, from the iteration when it cannot go on
 */
export async function followResults(options: LiveResultsOptions): Promise<AsyncIterableIterator<LiveResult, void>> {
  const { ask, responseName, watch, signal, onLook } = options;
  try {
    const first = await ask(undefined);
    if (!isShown(first, responseName)) throw new SubscriptionOver(reasonsIn(first));
    return results(first);
  } catch (error) {
    watch.stop();
    throw overBecauseOf(error);
  }

  async function* results(first: Answer): AsyncGenerator<LiveResult, void> {
    let known = options.lastEventId;
    let answer: Answer | undefined = first;
    let failures = 0;
    try {
      while (!signal.aborted) {
        const eventId = answer && eventIdOf(answer);
        if (answer && eventId !== undefined && eventId !== known) {
          known = eventId;
          onLook('delivered');
          yield { eventId, payload: { ...answer, extensions: { ...answer.extensions, eventId } } };
        } else if (answer) onLook('same');
        failures = answer && !isPartial(answer) ? 0 : failures + 1;
        const change = await watch.changed(signal, failures > 0 ? retryDelayMs(failures) : undefined);
        await delay(SETTLE_MS, undefined, { signal }).catch(() => {});
        if (!signal.aborted) answer = await again(change);
      }
    } finally {
      watch.stop();
    }
  }

  /** Undefined when there is no answer now. What the client has stays true as far as anybody knows, so it waits. */
  async function again(change: Change | undefined): Promise<Answer | undefined> {
    const answer = await ask(change).catch((error: unknown) => {
      if (!(error instanceof SoukError) || isPassing(error.code)) return undefined;
      onLook('over');
      throw overBecauseOf(error);
    });
    if (answer && isShown(answer, responseName)) return answer;
    const reasons = answer && reasonsIn(answer);
    if (!reasons || reasons.every(({ extensions }) => isPassing(extensions?.['code']))) {
      onLook('failed');
      return undefined;
    }
    onLook('over');
    throw new SubscriptionOver(reasons);
  }
}

function isShown({ data }: Answer, responseName: string): boolean {
  return data?.[responseName] !== null && data?.[responseName] !== undefined;
}

function reasonsIn({ errors = [] }: Answer): readonly GraphQLFormattedError[] {
  return errors.length > 0 ? errors : overBecauseOf(nothingThere).errors;
}

const nothingThere = new SoukError(
  'BAD_USER_INPUT',
  'Expected the id of something that is there and that you may see: there is nothing to follow.',
);

/** What was asked of others and not answered is asked again. */
function isPartial({ errors = [] }: Answer): boolean {
  return errors.some(({ extensions }) => isPassing(extensions?.['code']));
}

const passing: readonly unknown[] = [
  'RATE_LIMITED',
  'SUBGRAPH_UNAVAILABLE',
  'SUBGRAPH_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
] satisfies ErrorCode[];

function isPassing(code: unknown): boolean {
  return passing.includes(code);
}

/** Errors count by where and what they are; which request they came with is no news. */
function eventIdOf({ data, errors = [] }: Answer): string {
  const content = [data, ...errors.map(({ path, extensions }) => [path, extensions?.['code']])];
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22);
}

function retryDelayMs(failures: number): number {
  return Math.min(RETRY_AFTER_MS * 2 ** (failures - 1), RETRY_AFTER_AT_MOST_MS) * (0.75 + Math.random() / 2);
}
