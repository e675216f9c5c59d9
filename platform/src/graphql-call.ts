import { CallFailure } from './call-failure.ts';
import type { HttpPool } from './http-client/pool.ts';
import type { HttpResponse } from './http-client/response-reader.ts';
import type { Patience } from './patience.ts';
import { traceCall } from './trace-call.ts';

/** What a GraphQL service answered, not looked into further. */
export interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: readonly { message: string; path?: readonly (string | number)[]; extensions?: Record<string, unknown> }[];
  extensions?: Record<string, unknown>;
}

export interface GraphQLCall {
  path: string;
  headers: Readonly<Record<string, string>>;
  /** Query, variables and so on; or their JSON text. */
  request: object | string;
  /** How long the answer is waited for. */
  patience: Patience;
  /** Whether it may be sent on one connection with others: never a command, because what is behind another one may have to be sent again. */
  mayShare: boolean;
  /** Told when the answer is the last one on its connection (RFC 9112, section 9.6), as it is from a service that is about to stop. */
  onFarewell?: () => void;
}

/**
 * Sends one GraphQL request as POST and gives the answer, with or without errors in it.
 *
 * @throws {CallFailure} when there is none
 */
export function callGraphQL(pool: HttpPool, call: GraphQLCall): Promise<GraphQLAnswer> {
  const { path, request, patience, mayShare, onFarewell } = call;
  if (patience.over) return Promise.reject(patience.over);
  const { headers, endSpan } = traceCall(pool.origin, path, call.headers);
  return new Promise((resolve, reject) => {
    const fail = (failure: unknown) => {
      patience.whenOver = undefined;
      endSpan?.(failure);
      reject(failure);
    };
    const body = typeof request === 'string' ? request : JSON.stringify(request);
    const abandon = pool.post({
      path,
      headers,
      body,
      mayShare,
      onResponse(response) {
        // After a refusal a connection may end because of the request.
        if (response.saysClose && response.status < 400) onFarewell?.();
        const answer = readAnswer(response);
        if (answer instanceof CallFailure) return fail(answer);
        patience.whenOver = undefined;
        endSpan?.();
        resolve(answer);
      },
      onFailure: fail,
    });
    patience.whenOver = (failure) => {
      abandon();
      fail(failure);
    };
  });
}

/** A server that is stopping, or a proxy, answers with JSON of its own. */
function readAnswer({ status, text, isAscii }: HttpResponse): GraphQLAnswer | CallFailure {
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
  (answer as Lettered)[letters] = { isPlain: !text.includes('\\'), isAscii };
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
