import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Errand, UnderWay } from './errand.ts';

/** Long texts that often differ in a letter that is not looked at first. */
const text = fc
  .tuple(fc.constantFrom('', 'a', 'b'), fc.constantFrom('', 'x'.repeat(200)), fc.constantFrom('', 'a', 'b'))
  .map((parts) => parts.join(''));
const errand = fc.tuple(text, text, text).map(([who, what, variables]) => new Errand(who, what, variables));

it('is found by an equal errand, and by no other', () => {
  fc.assert(
    fc.property(errand, errand, (one, other) => {
      const underWay = new UnderWay<{ errand: Errand }>();
      const work = { errand: one };
      underWay.add(work);
      const areEqual = one.who === other.who && one.what === other.what && one.variables === other.variables;
      expect(underWay.find(new Errand(one.who, one.what, one.variables))).toBe(work);
      expect(underWay.find(other)).toBe(areEqual ? work : undefined);
    }),
  );
});

it('gives way to newer work, and what has ended takes nothing with it', () => {
  const underWay = new UnderWay<{ errand: Errand }>();
  const [older, newer] = [1, 2].map(() => ({ errand: new Errand('ada', 'query', '{}') }));
  if (!older || !newer) throw new Error('Expected two.');
  underWay.add(older);
  underWay.add(newer);
  underWay.remove(older);
  expect(underWay.find(older.errand)).toBe(newer);
  underWay.remove(newer);
  expect(underWay.find(older.errand)).toBeUndefined();
});

it('is found among as many as are under way at a time, until all are removed', () => {
  const underWay = new UnderWay<{ errand: Errand }>();
  const works = Array.from({ length: 256 }, (_, number) => ({
    errand: new Errand('ada', 'query', `{"id":${number}}`),
  }));
  for (const work of works) underWay.add(work);
  expect(works.filter(({ errand }) => underWay.find(errand))).toHaveLength(256);
  for (const work of works.slice(0, 128)) underWay.remove(work);
  expect(works.filter(({ errand }) => underWay.find(errand))).toEqual(works.slice(128));
  underWay.removeAll();
  expect(works.filter(({ errand }) => underWay.find(errand))).toEqual([]);
});
