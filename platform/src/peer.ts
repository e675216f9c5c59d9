import { Counter, Gauge } from 'prom-client';
import { breakerLevels } from './breaker.ts';
import { CallFailure } from './call-failure.ts';
import { deadlineWithin } from './deadline.ts';
import { SoukError } from './errors.ts';
import type { GraphQLAnswer } from './graphql-call.ts';
import { ASSERTION_HEADER, DEADLINE_HEADER, type ServiceName, type Signer } from './identity.ts';
import type { Logger } from './logger.ts';
import { NotAsked } from './not-asked.ts';
import { createServiceClient } from './service-client.ts';

/** A GraphQL document typed by codegen (client preset, string mode). */
export interface PeerDocument<Data, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Data;
}

export interface PeerOptions {
  audience: ServiceName;
  /** GraphQL endpoints of the other subgraph, one for each address or host name. */
  urls: readonly string[];
  signer: Signer;
  logger: Logger;
}

export interface Peer {
  /**
   * Calls an internal field of the other subgraph and gives its data. It takes no longer than the one who waits for this service still waits.
   *
   * @throws {SoukError} SUBGRAPH_TIMEOUT when time was up, or the answer to a command was lost: its outcome is *unknown*, look it up before you undo
   * @throws {SoukError} SUBGRAPH_UNAVAILABLE when the request did not get through or the other side failed
   */
  request<Data, Variables extends Record<string, unknown>>(
    document: PeerDocument<Data, Variables>,
    variables: Variables,
    options?: { timeoutMs?: number },
  ): Promise<Data>;
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_UNDER_WAY = 16;
/** Who would wait behind so many is told at once that it is too much. */
const MAX_WAITING = 256;

/**
 * Opens the way to one other subgraph: keep-alive connections to each of its addresses, a service assertion and a deadline. When no connection came
 * about, so that nothing can have happened, another address is tried. A query whose connection broke is sent once more, since the mutation that needs it is
 * sent again by nobody; a command never is.
 */
export function createPeer({ audience, urls, signer, logger }: PeerOptions): Peer {
  const headersUntil = async (deadlineAt: number) => ({
    [ASSERTION_HEADER]: await signer.assertion(audience, null, { forItself: true }),
    [DEADLINE_HEADER]: String(deadlineAt),
  });
  const service = createServiceClient({
    name: audience,
    urls,
    logger,
    maxUnderWay: MAX_UNDER_WAY,
    maxWaiting: MAX_WAITING,
    probeHeaders: (timeoutMs) => headersUntil(Date.now() + timeoutMs),
    hear: {
      queue: (length) => queueLength.set({ peer: audience }, length),
      retry: () => {},
      address(address, state) {
        if (state) breakerStates.set({ peer: audience, address }, breakerLevels[state]);
        else breakerStates.remove({ peer: audience, address });
      },
    },
  });

  async function ask(query: string, variables: unknown, deadlineAt: number, timeoutMs: number): Promise<GraphQLAnswer> {
    try {
      return await service.ask({
        request: { query, variables },
        headers: await headersUntil(deadlineAt),
        timeoutMs,
        mayRepeat: !isCommand(query),
      });
    } catch (cause) {
      failures.inc({ peer: audience, reason: reasonOf(cause) });
      throw errorOf(cause, query);
    }
  }

  return {
    async request(document, variables, { timeoutMs: ownTimeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      const deadlineAt = deadlineWithin(ownTimeoutMs);
      const timeoutMs = deadlineAt - Date.now();
      if (timeoutMs <= 0)
        throw new SoukError('SUBGRAPH_TIMEOUT', 'There was no time left to ask another part of the shop. Try again.', {
          retryable: true,
        });
      return read(await ask(document.toString(), variables, deadlineAt, timeoutMs)) as never;
    },
    close: () => service.close(),
  };
}

const failures = new Counter({
  name: 'souk_peer_failures_total',
  help: 'Requests to other subgraphs that gave no answer, by reason.',
  labelNames: ['peer', 'reason'],
});

const queueLength = new Gauge({
  name: 'souk_peer_queue_length',
  help: 'Requests that wait until fewer are under way to the same other subgraph.',
  labelNames: ['peer'],
});

const breakerStates = new Gauge({
  name: 'souk_peer_breaker_state',
  help: 'Whether an address of another subgraph gets requests: 0 closed (it does), 1 open (it gets none), 2 trial (it gets one).',
  aggregator: 'max',
  labelNames: ['peer', 'address'],
});

function reasonOf(failure: unknown): string {
  if (failure instanceof NotAsked) return failure.reason;
  return failure instanceof CallFailure ? failure.kind : 'other';
}

const RETRY_AFTER_MS = 1_000;

const isCommand = (query: string) => /^\s*mutation\b/.test(query);

/** A command without an answer may have been carried out, whatever it was that kept the answer away, unless it never left. */
function errorOf(cause: unknown, query: string): SoukError {
  if (cause instanceof NotAsked && (isCommand(query) || cause.reason !== 'timeout'))
    return new SoukError('SUBGRAPH_UNAVAILABLE', 'Another part of the shop has too much to do. Try again.', {
      retryable: true,
      retryAfterMs: RETRY_AFTER_MS,
      cause,
    });
  const isLate = cause instanceof NotAsked || (cause instanceof CallFailure && cause.kind === 'timeout');
  const isUnknown = isCommand(query) && cause instanceof CallFailure && cause.mayHaveActed;
  return new SoukError(
    isLate || isUnknown ? 'SUBGRAPH_TIMEOUT' : 'SUBGRAPH_UNAVAILABLE',
    'Another part of the shop did not answer. Try again.',
    { retryable: true, cause },
  );
}

/** Internal commands succeed whole or fail whole, so any error fails the call; what the caller sent wrong stays recognisable. */
function read({ data, errors }: GraphQLAnswer): unknown {
  const [first] = errors ?? [];
  if (first?.extensions?.['code'] === 'BAD_USER_INPUT') throw new SoukError('BAD_USER_INPUT', first.message);
  if (first)
    throw new SoukError('SUBGRAPH_UNAVAILABLE', 'Another part of the shop failed. Try again.', {
      retryable: true,
      cause: first,
    });
  return data;
}
