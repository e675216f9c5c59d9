import { CallFailure } from './call-failure.ts';
import type { Exchange, HttpPost } from './http-client/exchange.ts';
import type { HttpPool } from './http-client/pool.ts';
import type { HttpResponse } from './http-client/response-reader.ts';
import type { Patience, Waiter } from './patience.ts';
import type { ResultListener } from './result-listener.ts';
import { type TracedCall, traceCall } from './trace-call.ts';

/** What a GraphQL service answered, not looked into further. */
export interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: readonly { message: string; path?: readonly (string | number)[]; extensions?: Record<string, unknown> }[];
  extensions?: Record<string, unknown>;
}

export interface GraphQLCall {
  path: string;
  headers: Readonly<Record<string, string>>;
  /** The JSON text of query, variables and so on. */
  body: string;
  /** How long the answer is waited for. */
  patience: Patience;
  /** Whether it may be sent on one connection with others: never a command, because what is behind another one may have to be sent again. */
  mayShare: boolean;
}

/** Hears the answer, or {@link CallFailure}, unless something else went wrong here. */
export type AnswerListener = ResultListener<GraphQLAnswer>;

/** Hears of a call besides that the answer is the last one on its connection (RFC 9112, section 9.6), as it is from a service that is about to stop. */
export interface CallListener extends AnswerListener {
  farewell?: (() => void) | undefined;
}

/** Sends one GraphQL request as POST and tells the answer, with or without errors in it, or why there is none. */
export function callGraphQL(pool: HttpPool, call: GraphQLCall, listener: CallListener): void {
  if (call.patience.over) listener.failed(call.patience.over);
  else new Post(pool, call, listener).send();
}

class Post implements HttpPost, Waiter {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly mayShare: boolean;
  readonly #pool: HttpPool;
  readonly #patience: Patience;
  readonly #listener: CallListener;
  readonly #endSpan: TracedCall['endSpan'];
  #sent: Pick<Exchange, 'abandon'> | undefined;

  constructor(pool: HttpPool, { path, body, headers, patience, mayShare }: GraphQLCall, listener: CallListener) {
    const traced = traceCall(pool.origin, path, headers);
    this.path = path;
    this.headers = traced.headers;
    this.body = body;
    this.mayShare = mayShare;
    this.#pool = pool;
    this.#patience = patience;
    this.#listener = listener;
    this.#endSpan = traced.endSpan;
  }

  send(): void {
    this.#patience.waiter = this;
    try {
      this.#sent = this.#pool.post(this);
    } catch (error) {
      this.#fail(error);
    }
  }

  onResponse(response: HttpResponse): void {
    // After a refusal a connection may end because of the request.
    if (response.saysClose && response.status < 400) this.#listener.farewell?.();
    const answer = readAnswer(response);
    if (answer instanceof CallFailure) {
      this.#fail(answer);
      return;
    }
    this.#patience.waiter = undefined;
    this.#endSpan?.();
    this.#listener.answered(answer);
  }

  onFailure(failure: CallFailure): void {
    this.#fail(failure);
  }

  letGo(failure: CallFailure): void {
    this.#sent?.abandon();
    this.#fail(failure);
  }

  #fail(error: unknown): void {
    this.#patience.waiter = undefined;
    this.#endSpan?.(error);
    this.#listener.failed(error);
  }
}

/** Reads the answer of a GraphQL service, or why it is none: a server that is stopping, or a proxy, answers with JSON of its own. */
export function readAnswer({
  status,
  text,
  isAscii,
}: Pick<HttpResponse, 'status' | 'text' | 'isAscii'>): GraphQLAnswer | CallFailure {
  if (status === 401 || status >= 500) {
    const kind = status === 401 ? 'refused' : 'wrong-answer';
    return new CallFailure(kind, `Expected a GraphQL answer, got status ${status}.`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  } catch (cause) {
    return new CallFailure('wrong-answer', 'Expected a GraphQL answer, got no JSON.', { cause });
  }
  if (answer === null || typeof answer !== 'object' || !('data' in answer || 'errors' in answer))
    return new CallFailure('wrong-answer', 'Expected a GraphQL answer, got other JSON.');
  const isPlain = !text.includes('\\');
  // A letter may be written by its number, too.
  (answer as Lettered)[letters] = { isPlain, isAscii: isAscii && (isPlain || !text.includes('\\u')) };
  return answer as GraphQLAnswer;
}

const BYTE_ORDER_MARK = '\uFEFF';

const letters = Symbol('letters');
type Lettered = GraphQLAnswer & { [letters]?: Letters };

/** What the strings of an answer are like, for whoever writes them again. */
export interface Letters {
  /** Whether they can be written as JSON just as they are: its text had no backslash, without which nothing is escaped (RFC 8259, section 7). */
  isPlain: boolean;
  /** Whether each letter is one byte of UTF-8. */
  isAscii: boolean;
}

/** What the strings of an answer are like; where nobody has looked at its text, they may be anything. */
export function lettersOf(answer: GraphQLAnswer): Letters {
  return (answer as Lettered)[letters] ?? anything;
}

const anything: Letters = { isPlain: false, isAscii: false };
