import { type Dispatcher, errors, type Pool } from 'undici';
import { NotConnected } from './http-pool.ts';

/**
 * Why a call gave no answer.
 *
 * - `not-sent`     no connection came about
 * - `refused`      the other side does not believe who is asking: a status of 401
 * - `timeout`      time was up before the answer was there
 * - `cut`          the connection ended before the answer was there
 * - `wrong-answer` something else answered, or the service is not able to: a status from 500 on, no JSON, other JSON
 * - `too-large`    the answer had more bytes than the pool allows
 * - `given-up`     the caller did not want it any more
 */
export type CallFailureKind = 'not-sent' | 'refused' | 'timeout' | 'cut' | 'wrong-answer' | 'too-large' | 'given-up';

/** A call to another service that gave no answer. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  readonly kind: CallFailureKind;

  constructor(kind: CallFailureKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }

  /** Whether the other side may have done what it was asked: a connection that ends tells no more about that than a silence does. */
  get mayHaveActed(): boolean {
    return this.kind !== 'not-sent' && this.kind !== 'refused';
  }
}

/** What a GraphQL service answered, not looked into further. */
export interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: readonly { message: string; path?: readonly (string | number)[]; extensions?: Record<string, unknown> }[];
  extensions?: Record<string, unknown>;
}

export interface GraphQLCall {
  path: string;
  headers: Record<string, string>;
  /** Query, variables and so on; or their JSON text. */
  request: object | string;
  /** Ends the call. With a reason whose name is `TimeoutError`, as `AbortSignal.timeout` has it, the failure is a `timeout`, otherwise `given-up`. */
  signal: AbortSignal;
  /** Told when the answer is the last one on its connection (RFC 9112, section 9.6), as it is from a service that is about to stop. */
  onFarewell?: () => void;
}

/**
 * Sends one GraphQL request as POST and gives the answer, with or without errors in it.
 *
 * undici's `request` would make a stream of each answer, which costs more than all else about a small one, so its chunks are taken as they come.
 *
 * @throws {CallFailure} when there is none
 */
export function callGraphQL(
  pool: Pool,
  { path, headers, request, signal, onFarewell }: GraphQLCall,
): Promise<GraphQLAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<GraphQLAnswer>();
  const chunks: Buffer[] = [];
  let status = 0;
  let end: ((reason: Error) => void) | undefined;

  const fail = (error: unknown) => {
    signal.removeEventListener('abort', giveUp);
    reject(failureOf(error, signal));
  };
  const giveUp = () => {
    fail(signal.reason);
    end?.(signal.reason as Error);
  };
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(controller) {
      end = (reason) => controller.abort(reason);
      // It may have waited for a connection until nobody wanted it any more.
      if (signal.aborted) end(signal.reason as Error);
    },
    onResponseStart(_controller, statusCode, given) {
      status = statusCode;
      // After a refusal a connection may end because of the request.
      if (status < 400 && given['connection'] === 'close') onFarewell?.();
    },
    onResponseData(_controller, chunk) {
      if (isAnswer(status)) chunks.push(chunk);
    },
    onResponseEnd() {
      signal.removeEventListener('abort', giveUp);
      try {
        resolve(readAnswer(status, chunks));
      } catch (failure) {
        reject(failure);
      }
    },
    onResponseError: (_controller, error) => fail(error),
  };

  if (signal.aborted) {
    fail(signal.reason);
    return promise;
  }
  signal.addEventListener('abort', giveUp);
  const body = typeof request === 'string' ? request : JSON.stringify(request);
  try {
    pool.dispatch(
      {
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body,
      },
      handler,
    );
  } catch (error) {
    fail(error);
  }
  return promise;
}

function isAnswer(status: number): boolean {
  return status !== 401 && status < 500;
}

/** A server that is stopping, or a proxy, answers with JSON of its own. */
function readAnswer(status: number, chunks: readonly Buffer[]): GraphQLAnswer {
  if (!isAnswer(status)) {
    const kind = status === 401 ? 'refused' : 'wrong-answer';
    throw new CallFailure(kind, `Expected a GraphQL answer, got status ${status}.`);
  }
  const [sole = Buffer.concat(chunks)] = chunks.length === 1 ? chunks : [];
  const text = sole.toString();
  let answer: unknown;
  try {
    answer = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch (cause) {
    throw new CallFailure('wrong-answer', 'Expected a GraphQL answer, got no JSON.', { cause });
  }
  if (answer === null || typeof answer !== 'object' || !('data' in answer || 'errors' in answer)) {
    throw new CallFailure('wrong-answer', 'Expected a GraphQL answer, got other JSON.');
  }
  const value: Letters = { isPlain: !text.includes('\\'), isAscii: text.length === sole.length };
  return Object.defineProperty(answer as GraphQLAnswer, letters, { value });
}

const BYTE_ORDER_MARK = '\uFEFF';

const letters = Symbol('letters');

/** What the strings of an answer are like, for whoever writes them again. */
export interface Letters {
  /** Whether they can be written as JSON just as they are: its text had no backslash, without which nothing is escaped (RFC 8259, section 7). */
  isPlain: boolean;
  /** Whether each letter is one byte of UTF-8. */
  isAscii: boolean;
}

/** What the strings of an answer are like; where nobody has looked at its text, they may be anything. */
export function lettersOf(answer: GraphQLAnswer): Letters {
  return (answer as { [letters]?: Letters })[letters] ?? anything;
}

const anything: Letters = { isPlain: false, isAscii: false };

function failureOf(cause: unknown, signal: AbortSignal): unknown {
  // A request that cannot be written down is our own mistake, and no word about the other side.
  if (cause instanceof CallFailure || cause instanceof errors.InvalidArgumentError) return cause;
  if (cause instanceof NotConnected || cause instanceof errors.ClientClosedError)
    return new CallFailure('not-sent', cause.message, { cause });
  if (signal.aborted) return endedBy(signal);
  if (cause instanceof errors.ResponseExceededMaxSizeError)
    return new CallFailure('too-large', 'The answer is larger than allowed.', { cause });
  return new CallFailure('cut', 'The connection ended before there was an answer.', { cause });
}

/** The failure of a call that its signal ended. */
export function endedBy({ reason }: AbortSignal): CallFailure {
  const isTimeUp = reason instanceof Error && reason.name === 'TimeoutError';
  const message = isTimeUp ? 'There was no answer in time.' : 'The answer was not wanted any more.';
  return new CallFailure(isTimeUp ? 'timeout' : 'given-up', message, { cause: reason });
}
