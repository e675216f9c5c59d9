import { expect, it } from 'vitest';
import { watchSoldOut } from './sold-out.ts';

/** A catalog that is asked by hand: each question waits until it is answered. */
function catalog() {
  const questions: { variantIds: string[]; answer: (gone: string[]) => void; fail: () => void }[] = [];
  const watch = watchSoldOut((variantIds) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ variantId: string }[]>();
    const answer = (gone: string[]) => resolve(gone.map((variantId) => ({ variantId })));
    questions.push({ variantIds, answer, fail: () => reject(new Error('away')) });
    return promise;
  });
  const asked = async (count: number) => {
    await expect.poll(() => questions.length).toBe(count);
    return questions[count - 1] as (typeof questions)[number];
  };
  return { watch, questions, asked };
}

it('asks nobody about what was there when it was last wanted', async () => {
  const { watch, questions } = catalog();
  watch.note(['other']);
  expect(await watch.look(['shirt'])).toEqual([]);
  expect(questions).toEqual([]);
});

it('asks once for all who come while an answer is on its way, and again for those after it', async () => {
  const { watch, questions, asked } = catalog();
  watch.note(['shirt', 'cup']);
  const first = watch.look(['shirt']);
  const one = await asked(1);
  const later = [watch.look(['shirt', 'hat']), watch.look(['cup']), watch.look(['shirt'])];
  expect(one.variantIds).toEqual(['shirt']);
  one.answer(['shirt']);
  expect(await first).toEqual([{ variantId: 'shirt' }]);
  const two = await asked(2);
  expect(two.variantIds).toEqual(['shirt', 'cup']);
  two.answer(['cup']);
  expect(await Promise.all(later)).toEqual([[], [{ variantId: 'cup' }], []]);
  expect(questions).toHaveLength(2);
});

it('says nothing when it cannot ask, and asks again', async () => {
  const { watch, asked } = catalog();
  watch.note(['shirt']);
  const first = watch.look(['shirt']);
  (await asked(1)).fail();
  expect(await first).toEqual([]);
  const second = watch.look(['shirt']);
  (await asked(2)).answer(['shirt']);
  expect(await second).toEqual([{ variantId: 'shirt' }]);
});
