/**
 * Why a call gave no answer.
 *
 * - `not-sent`     no connection came about
 * - `passed-over`  the connection that it shared with others ended before its turn to be answered
 * - `refused`      the other side does not believe who is asking: a status of 401
 * - `timeout`      time was up before the answer was there
 * - `cut`          the connection ended before the answer was there
 * - `wrong-answer` something else answered, or the service is not able to: no HTTP, a status from 500 on, no JSON, other JSON
 * - `too-large`    the answer had more bytes than are taken
 * - `given-up`     the caller did not want it any more
 */
export type CallFailureKind =
  | 'not-sent'
  | 'passed-over'
  | 'refused'
  | 'timeout'
  | 'cut'
  | 'wrong-answer'
  | 'too-large'
  | 'given-up';

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
