import { describe, expect, test } from 'vitest';
import { loaderByKey, loaderOfMany, loaderOfPages } from './batch.ts';
import { connectionOf } from './connection.ts';

interface Line {
  id: string;
  orderId: string;
}
const lines: Line[] = Array.from({ length: 600 }, (_, index) => ({ id: `l${index}`, orderId: `o${index % 3}` }));

describe('a loader by key', () => {
  test('answers in key order with one call, null where there is no row', async () => {
    const calls: (readonly string[])[] = [];
    const loader = loaderByKey<Line>({
      load: async (keys) => {
        calls.push(keys);
        return lines.filter((line) => keys.includes(line.id)).reverse();
      },
      key: (line) => line.id,
    });
    const found = await Promise.all(['l5', 'none', 'l1', 'l5'].map((id) => loader.load(id)));
    expect(found.map((line) => line?.id ?? null)).toEqual(['l5', null, 'l1', 'l5']);
    expect(calls).toEqual([['l5', 'none', 'l1']]);
  });

  test('reads at most 250 keys at once', async () => {
    const sizes: number[] = [];
    const loader = loaderByKey<Line>({
      load: async (keys) => {
        sizes.push(keys.length);
        return lines.filter((line) => keys.includes(line.id));
      },
      key: (line) => line.id,
    });
    await loader.loadMany(lines.map((line) => line.id));
    expect(sizes).toEqual([250, 250, 100]);
  });
});

describe('a loader of many', () => {
  test('gives every key its rows in the order they came', async () => {
    const loader = loaderOfMany<Line>({ load: async () => lines.slice(0, 7), key: (line) => line.orderId });
    const [first, none] = await Promise.all([loader.load('o0'), loader.load('none')]);
    expect(first.map((line) => line.id)).toEqual(['l0', 'l3', 'l6']);
    expect(none).toEqual([]);
  });
});

describe('a loader of pages', () => {
  const loaderCounting = (calls: unknown[]) =>
    loaderOfPages<{ first: number }, Line>({
      load: async (parents, args) => {
        calls.push([parents, args]);
        if (args.first > 100) throw new RangeError('too many');
        const page = (parent: string) =>
          connectionOf(
            lines.filter((line) => line.orderId === parent),
            args,
            { name: 'lines', key: (line) => line.id },
          );
        return new Map(parents.map((parent) => [parent, page(parent)]));
      },
    });

  test('makes one call per set of arguments', async () => {
    const calls: unknown[] = [];
    const loader = loaderCounting(calls);
    const pages = await Promise.all([
      loader.load({ parent: 'o0', args: { first: 2 } }),
      loader.load({ parent: 'o1', args: { first: 2 } }),
      loader.load({ parent: 'o0', args: { first: 1 } }),
      loader.load({ parent: 'o0', args: { first: 2 } }),
    ]);
    expect(pages.map((page) => page.nodes.map((line) => line.id))).toEqual([
      ['l0', 'l3'],
      ['l1', 'l4'],
      ['l0'],
      ['l0', 'l3'],
    ]);
    expect(calls).toEqual([
      [['o0', 'o1'], { first: 2 }],
      [['o0'], { first: 1 }],
    ]);
  });

  test('a refusal reaches only those who asked with these arguments', async () => {
    const loader = loaderCounting([]);
    const [refused, fine] = await Promise.allSettled([
      loader.load({ parent: 'o0', args: { first: 101 } }),
      loader.load({ parent: 'o0', args: { first: 1 } }),
    ]);
    expect(refused).toMatchObject({ status: 'rejected', reason: expect.any(RangeError) });
    expect(fine.status).toBe('fulfilled');
  });
});
