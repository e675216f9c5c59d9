/**
 * What can go wrong, in the three tiers of the API.
 *
 * 1. Expected: a verb *refuses*. `refuse(…)` throws, so the transaction around it rolls back, and `payload(…)` turns the refusal into `userErrors`.
 * 2. Not fatal: `warnings` are ordinary data of a payload.
 * 3. Exceptional: a `SoukError` with one of the fixed codes. Anything else is a bug and is masked as INTERNAL_SERVER_ERROR.
 */

export const errorCodes = [
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'COST_LIMIT_EXCEEDED',
  'OPERATION_LIMIT_EXCEEDED',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_ALLOWED',
  'SUBGRAPH_UNAVAILABLE',
  'SUBGRAPH_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface SoukErrorOptions {
  /** Whether the same request may succeed later. Default false. */
  retryable?: boolean;
  /** How long to wait before the next try, in milliseconds, where it is known. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** An exceptional failure whose code and message may be shown to the client. Say what was expected, what came, and the remedy. */
export class SoukError extends Error {
  override readonly name = 'SoukError';
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  /**
   * What graphql-js copies into the answer, so that the code survives every layer that wraps this error.
   * `retryAfterMs` is there only where it is known.
   */
  readonly extensions: { code: ErrorCode; retryable: boolean; retryAfterMs?: number };

  constructor(code: ErrorCode, message: string, options: SoukErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.extensions = {
      code,
      retryable: this.retryable,
      ...(options.retryAfterMs === undefined ? {} : { retryAfterMs: options.retryAfterMs }),
    };
  }
}

/** The caller sent something that can never be accepted: `message` says what was expected and what came. */
export function badUserInput(message: string): SoukError {
  return new SoukError('BAD_USER_INPUT', message);
}

const MAX_MESSAGE_LENGTH = 500;

/** A message as it may leave: graphql-js repeats a wrong value in it, however long that is. */
export function clipMessage(message: string): string {
  return message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH)}…` : message;
}

/** One entry of `userErrors`. `field` is the input path; facts such as `variantId` or `available` stand beside it. */
export interface Refusal {
  code: string;
  message: string;
  field?: string[];
  [fact: string]: unknown;
}

/** Thrown by a verb that declines; carries every reason at once, and what the payload shows beside them. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly refusals: readonly Refusal[];
  readonly result: Record<string, unknown>;

  constructor(refusals: readonly Refusal[], result: Record<string, unknown> = {}) {
    super(refusals.map((refusal) => `${refusal.code}: ${refusal.message}`).join('; '));
    this.refusals = refusals;
    this.result = result;
  }
}

/**
 * Declines an expected failure. `facts` may hold the input path as `field` and whatever helps the client act;
 * `result` is shown in the payload beside the error (the current entity of a STALE_VERSION, for example).
 *
 * @throws {Refused} always
 */
export function refuse<Code extends string>(
  code: Code,
  message: string,
  facts: { field?: string[]; [fact: string]: unknown } = {},
  result: Record<string, unknown> = {},
): never {
  throw new Refused([{ ...facts, code, message }], result);
}

/** Runs a verb and shapes its outcome as a mutation payload: its result, or its refusals as `userErrors`. Other errors pass. */
export async function payload<Result extends object>(
  verb: () => Promise<Result>,
): Promise<Result & { userErrors: never[] }> {
  try {
    return { ...(await verb()), userErrors: [] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // The refusals' codes are the domain's own enum, which its verbs are typed by; the payload type cannot see through the throw.
    return { ...error.result, userErrors: error.refusals } as unknown as Result & { userErrors: never[] };
  }
}
