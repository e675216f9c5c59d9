import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorCode } from '@souk/platform/errors';
import { Pool } from 'undici';
import type { TypedDocumentString } from '../generated/graphql.ts';

/** A client of the gateway that expects the worst: it can tell what it knows from what it does not, and asks until it knows. */
export interface Client {
  /** Sends one request, once. */
  send<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    accessToken?: string,
  ): Promise<Reply<Data>>;
  close(): Promise<void>;
}

/**
 * How a request ended:
 *
 *   answered         whatever was asked for is in `data`, refusals included
 *   unknown          no answer, or one that leaves open what was done
 *   later            nothing was done, and it may be asked for again after a while
 *   unauthenticated  nothing was done, and it needs another access token
 */
export type Reply<Data> =
  | { kind: 'answered'; data: Data }
  | { kind: 'unknown'; why: string; retryAfterMs: number }
  | { kind: 'later'; why: string; retryAfterMs: number }
  | { kind: 'unauthenticated' };

/** Longer than the gateway gives a mutation. */
const TIMEOUT_MS = 12_000;
const PAUSE_MS = 200;

/** What leaves open whether anything was done. An internal error does, too: it may have happened after the deed. */
const unknownCodes = new Set<ErrorCode>(['SUBGRAPH_UNAVAILABLE', 'SUBGRAPH_TIMEOUT', 'INTERNAL_SERVER_ERROR']);

/** Connections rest for less than LEAVE_NOTICE, as they should of whoever stands before the gateway: no request crosses the end of one on its way. */
export const MAX_REST_MS = 1_000;

export interface ClientOptions {
  connections: number;
  /** Told of every reply. */
  hear?: (reply: Reply<unknown>) => void;
}

export function openClient(url: string, { connections, hear }: ClientOptions): Client {
  const { origin, pathname } = new URL(url);
  const pool = new Pool(origin, { connections, connect: { timeout: 2_000 }, keepAliveMaxTimeout: MAX_REST_MS });

  async function post(query: string, variables: unknown, accessToken?: string) {
    const { statusCode, body } = await pool.request({
      method: 'POST',
      path: pathname,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(accessToken ? { authorization: `Bearer ${accessToken}` } : {}),
      },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { statusCode, text: await body.text() };
  }

  async function ask<Data>(query: string, variables: unknown, accessToken?: string): Promise<Reply<Data>> {
    try {
      const { statusCode, text } = await post(query, variables, accessToken);
      return read(statusCode, text);
    } catch (error) {
      if (error instanceof UnexpectedAnswer) throw error;
      return { kind: 'unknown', why: whyOf(error), retryAfterMs: PAUSE_MS };
    }
  }

  return {
    async send<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables, token?: string) {
      const reply = await ask<Data>(document.toString(), variables, token);
      hear?.(reply);
      return reply;
    },
    close: () => pool.close(),
  };
}

/** The code of a DOMException, such as that of a time that is over, is a number that tells nobody anything. */
function whyOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}

/** An answer that no fault explains. */
export class UnexpectedAnswer extends Error {}

interface Answer {
  data?: unknown;
  errors?: { message: string; extensions?: { code?: ErrorCode; retryAfterMs?: number } }[];
}

function read<Data>(statusCode: number, text: string): Reply<Data> {
  const { data, errors = [] } = JSON.parse(text) as Answer;
  if (statusCode === 200 && errors.length === 0) return { kind: 'answered', data: data as Data };
  const codes = errors.map(({ extensions }) => extensions?.code ?? 'INTERNAL_SERVER_ERROR');
  const why = JSON.stringify({ errors });
  const retryAfterMs = Math.max(PAUSE_MS, ...errors.map(({ extensions }) => extensions?.retryAfterMs ?? 0));
  if (codes.some((code) => unknownCodes.has(code))) return { kind: 'unknown', why, retryAfterMs };
  if (codes.includes('RATE_LIMITED')) return { kind: 'later', why, retryAfterMs };
  if (codes.includes('UNAUTHENTICATED')) return { kind: 'unauthenticated' };
  throw new UnexpectedAnswer(`Expected an answer or a fault of the moment, got ${statusCode} ${text}`);
}

/** Nobody could tell how something ended for as long as its client was patient. */
export class StillUnknown extends Error {}

/**
 * Asks the same again until there is an answer, as a good client does.
 *
 * @param hear is told of every request, and how it ended
 * @throws {StillUnknown} when nobody could tell for `patienceMs`
 */
export async function untilKnown<Data>(
  ask: () => Promise<Reply<Data>>,
  { patienceMs, renew, hear }: { patienceMs: number; renew?: () => Promise<void>; hear?: (reply: Reply<Data>) => void },
): Promise<Data> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const reply = await ask();
    hear?.(reply);
    if (reply.kind === 'answered') return reply.data;
    if (Date.now() > giveUpAt)
      throw new StillUnknown(
        `Expected to learn within ${patienceMs / 1_000} s how it ended, got ${JSON.stringify(reply)}.`,
      );
    if (reply.kind === 'unauthenticated') await renew?.();
    else await delay(reply.retryAfterMs);
  }
}
