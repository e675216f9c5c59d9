import { setTimeout as delay } from 'node:timers/promises';

/** A memory of what was sold out lately. */
export interface SoldOutWatch<Refusal> {
  /** These could not be had: whoever wants them next should look first. */
  note(variantIds: readonly string[]): void;
  /** What of these cannot be had now. Nothing, without asking, when none of them was noted lately. */
  look(variantIds: readonly string[]): Promise<Refusal[]>;
}

/** A variant of which nobody wanted more for so long is no rush any more. */
const MEMORY_MS = 10_000;
const MAX_REMEMBERED = 10_000;
/** So long after one answer the next question goes out, for all who have come meanwhile. */
const PAUSE_MS = 20;

/**
 * Most of a rush comes for what is gone already. A reservation tells each of them so, and costs two services half a dozen statements; a look costs one
 * question for everybody who waits at that moment. It is asked after they came, so that nobody is refused for what was true before: what comes back
 * is sold again at once. A look that fails says nothing, and the reservation decides.
 *
 * @param ask tells of which variants not even one piece can be had, and why
 */
export function watchSoldOut<Refusal extends { variantId?: string | null | undefined }>(
  ask: (variantIds: string[]) => Promise<readonly Refusal[]>,
): SoldOutWatch<Refusal> {
  const notedUntil = new Map<string, number>();
  let lastAnswer: Promise<unknown> = Promise.resolve();
  let gathering: { variantIds: Set<string>; answer: Promise<readonly Refusal[]> } | undefined;

  function gather() {
    const variantIds = new Set<string>();
    const answer = lastAnswer.then(() => {
      gathering = undefined;
      return ask([...variantIds]).catch(() => []);
    });
    lastAnswer = answer.then(() => delay(PAUSE_MS));
    gathering = { variantIds, answer };
    return gathering;
  }

  function note(variantIds: readonly string[]): void {
    for (const id of variantIds) {
      notedUntil.delete(id);
      if (notedUntil.size >= MAX_REMEMBERED) notedUntil.delete(notedUntil.keys().next().value as string);
      notedUntil.set(id, Date.now() + MEMORY_MS);
    }
  }

  return {
    note,
    async look(variantIds) {
      const noted = variantIds.filter((id) => (notedUntil.get(id) ?? 0) > Date.now());
      if (noted.length === 0) return [];
      const { variantIds: wanted, answer } = gathering ?? gather();
      for (const id of noted) wanted.add(id);
      const gone = (await answer).filter(({ variantId }) => variantId && noted.includes(variantId));
      note(gone.flatMap(({ variantId }) => variantId ?? []));
      return gone;
    },
  };
}
