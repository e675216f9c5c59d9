import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** Chance that repeats itself: the same name gives the same sequence on every machine. */
export interface Random {
  /** A whole number, both ends included. */
  integer(minimum: number, maximum: number): number;
  /** True so many times out of a hundred. */
  chance(percent: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** So many different items, in the order in which they are listed. */
  some<Item>(items: readonly Item[], count: number): Item[];
}

/** Everything in the demo draws from a sequence of its own, so adding something changes nothing else. */
export function randomFor(name: string): Random {
  const generator = xoroshiro128plus(fnv1a(name));
  // The first numbers after seeding still show the seed.
  for (let skipped = 0; skipped < 8; skipped++) generator.next();

  const integer = (minimum: number, maximum: number) => uniformInt(generator, minimum, maximum);
  const pick = <Item>(items: readonly Item[]): Item => {
    if (items.length === 0) throw new RangeError('Expected something to pick from, got an empty list.');
    return items[integer(0, items.length - 1)] as Item;
  };
  return {
    integer,
    chance: (percent) => integer(1, 100) <= percent,
    pick,
    some(items, count) {
      const left = items.map((_, position) => position);
      const taken = Array.from({ length: Math.min(count, items.length) }, () => {
        return left.splice(integer(0, left.length - 1), 1)[0] as number;
      });
      return taken.sort((one, other) => one - other).map((position) => items[position] as (typeof items)[number]);
    },
  };
}

/** http://www.isthe.com/chongo/tech/comp/fnv/ */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
