/** What an answer was made from, as those who made it say. */
export interface Sources {
  /**
   * Notes what one subgraph answered.
   *
   * @param tags       undefined when it did not say what its part was made from
   * @param askedAtMs  when it was asked, by `performance.now()`; earlier than this answer began, where requests that were under way already are shared
   */
  note(part: { tags: readonly string[] | undefined; askedAtMs: number }): void;
  /** What all parts were made from; undefined when one did not say. */
  tags(): string[] | undefined;
  /** When the first of them was asked for. */
  oldestMs(): number;
}

export function collectSources(): Sources {
  const all = new Set<string>();
  let oldestMs = Number.POSITIVE_INFINITY;
  let isKnown = true;
  return {
    note({ tags, askedAtMs }) {
      oldestMs = Math.min(oldestMs, askedAtMs);
      isKnown &&= tags !== undefined;
      for (const tag of tags ?? []) all.add(tag);
    },
    // What nobody was asked for has nothing that could change, and is not worth keeping.
    tags: () => (isKnown && all.size > 0 ? [...all] : undefined),
    oldestMs: () => oldestMs,
  };
}
