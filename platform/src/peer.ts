import { ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { timeLeftMs } from './deadline.ts';
import { SoukError } from './errors.ts';
import { CallFailure, callGraphQL, type GraphQLAnswer } from './graphql-call.ts';
import { openHttpPool } from './http-pool.ts';
import { ASSERTION_HEADER, DEADLINE_HEADER, type ServiceName, type Signer } from './identity.ts';

/** A GraphQL document typed by codegen (client preset, string mode). */
export interface PeerDocument<Data, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Data;
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
const MAX_CONNECTIONS = 16;

/** Opens the way to one other subgraph: keep-alive sockets, a service assertion, a deadline and a circuit breaker. `url` is its GraphQL endpoint. */
export function createPeer({ audience, url, signer }: { audience: ServiceName; url: string; signer: Signer }): Peer {
  const { origin, pathname } = new URL(url);
  const pool = openHttpPool({ origin, connections: MAX_CONNECTIONS });
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof SoukError && error.code !== 'BAD_USER_INPUT'),
    { halfOpenAfter: 2_000, breaker: new ConsecutiveBreaker(10) },
  );

  async function send(query: string, variables: unknown, timeoutMs: number): Promise<GraphQLAnswer> {
    const headers = {
      [ASSERTION_HEADER]: await signer.assertion(audience, null),
      [DEADLINE_HEADER]: String(Date.now() + timeoutMs),
    };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      return await callGraphQL(pool, { path: pathname, headers, request: { query, variables }, signal });
    } catch (cause) {
      throw new SoukError(codeOf(cause, query), 'Another part of the shop did not answer. Try again.', {
        retryable: true,
        cause,
      });
    }
  }

  return {
    async request(document, variables, { timeoutMs: ownTimeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      const timeoutMs = Math.min(ownTimeoutMs, timeLeftMs());
      if (timeoutMs === 0)
        throw new SoukError('SUBGRAPH_TIMEOUT', 'There was no time left to ask another part of the shop. Try again.', {
          retryable: true,
        });
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

/** A command without an answer may have been carried out, whatever it was that kept the answer away. */
function codeOf(failure: unknown, query: string): 'SUBGRAPH_TIMEOUT' | 'SUBGRAPH_UNAVAILABLE' {
  if (!(failure instanceof CallFailure)) return 'SUBGRAPH_UNAVAILABLE';
  const isUnknown = /^\s*mutation\b/.test(query) && failure.mayHaveActed;
  return failure.kind === 'timeout' || isUnknown ? 'SUBGRAPH_TIMEOUT' : 'SUBGRAPH_UNAVAILABLE';
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
