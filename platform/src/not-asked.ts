/**
 * Why a service was not even asked.
 *
 * - `resting`  every address it has is failing
 * - `full`     as many requests wait for it as may
 * - `timeout`  time was up while the request waited
 * - `given-up` the client hung up while the request waited
 */
export type NotAskedReason = 'resting' | 'full' | 'timeout' | 'given-up';

/** A request that never left, so that nothing can have come of it. */
export class NotAsked extends Error {
  override readonly name = 'NotAsked';
  readonly reason: NotAskedReason;

  constructor(reason: NotAskedReason) {
    super(`Not asked: ${reason}.`);
    this.reason = reason;
  }
}
