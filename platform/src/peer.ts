import { ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { Pool } from 'undici';
import { SoukError } from './errors.ts';
import { ASSERTION_HEADER, DEADLINE_HEADER, type ServiceName, type Signer } from './identity.ts';

/** A GraphQL document typed by codegen (client preset, string mode). */
export interface PeerDocument<Data, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Data;
}

export interface Peer {
  /**
   * Calls an internal field of the other subgraph and gives its data.
   *
   * @throws {SoukError} SUBGRAPH_TIMEOUT when there was no answer in time: the outcome is *unknown*, look it up before you undo
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
const CONNECT_TIMEOUT_MS = 250;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Opens the way to one other subgraph: keep-alive sockets, a service assertion, a deadline and a circuit breaker. `url` is its GraphQL endpoint. */
export function createPeer({ audience, url, signer }: { audience: ServiceName; url: string; signer: Signer }): Peer {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, {
    connections: 16,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    keepAliveTimeout: 30_000,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof SoukError && error.code !== 'BAD_USER_INPUT'),
    { halfOpenAfter: 2_000, breaker: new ConsecutiveBreaker(10) },
  );

  async function send(query: string, variables: unknown, timeoutMs: number): Promise<unknown> {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      [ASSERTION_HEADER]: await signer.assertion(audience, null),
      [DEADLINE_HEADER]: String(Date.now() + timeoutMs),
    };
    try {
      const { body } = await pool.request({
        path: pathname,
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return await body.json();
    } catch (cause) {
      const timedOut = cause instanceof DOMException && cause.name === 'TimeoutError';
      throw new SoukError(
        timedOut ? 'SUBGRAPH_TIMEOUT' : 'SUBGRAPH_UNAVAILABLE',
        'Another part of the shop did not answer. Try again.',
        { retryable: true, cause },
      );
    }
  }

  return {
    async request(document, variables, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      try {
        const answer = await breaker.execute(async () => read(await send(document.toString(), variables, timeoutMs)));
        return answer as never;
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error;
        throw new SoukError('SUBGRAPH_UNAVAILABLE', 'Another part of the shop is failing and gets a rest. Try again.', {
          retryable: true,
          retryAfterMs: 2_000,
          cause: error,
        });
      }
    },
    close: () => pool.close(),
  };
}

interface Answer {
  data?: unknown;
  errors?: readonly { message: string; extensions?: { code?: string } }[];
}

/** Internal commands succeed whole or fail whole, so any error fails the call; what the caller sent wrong stays recognisable. */
function read(answer: unknown): unknown {
  // A server that is stopping, or a proxy, answers with JSON of its own.
  const isAnswer = answer !== null && typeof answer === 'object' && ('data' in answer || 'errors' in answer);
  const { data, errors } = isAnswer ? (answer as Answer) : { errors: [{ message: 'Expected a GraphQL answer.' }] };
  const [first] = errors ?? [];
  if (first?.extensions?.code === 'BAD_USER_INPUT') throw new SoukError('BAD_USER_INPUT', first.message);
  if (first)
    throw new SoukError('SUBGRAPH_UNAVAILABLE', 'Another part of the shop failed. Try again.', {
      retryable: true,
      cause: first,
    });
  return data;
}
