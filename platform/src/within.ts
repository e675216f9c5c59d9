/**
 * Waits for work that may hang. What it gives later, nobody hears of.
 *
 * @throws when it takes longer than `timeoutMs`, and what the work throws before
 */
export async function within<Value>(timeoutMs: number, work: () => Promise<Value>): Promise<Value> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Expected it within ${timeoutMs} ms.`)), timeoutMs);
  try {
    return await Promise.race([work(), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
