import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance } from './did-you-mean.ts';
import { fold, indexTerms, termQuery, wordsOf } from './search-terms.ts';
import { isSlug, slugOf, slugWithId } from './slug.ts';

describe('terms', () => {
  it.each([
    ['Boots', 'qxwboot'],
    ['a', 'qxwa'],
    ['Crème BRÛLÉE', 'qxwcreme qxwbrulee'],
    ["Women's", 'qxwwomen'],
    ['zen', 'qxwzzen'],
    ['Ёлка', 'qxwz435zz43bzz43azz430z'],
    ['ＡＢＣ ①', 'qxwabc qxw1'],
    ['dresses, berries; glass & shoes', 'qxwdress qxwberry qxwglass qxwshoe'],
    ['跑鞋', 'qxc8dd1 qxc978b qxc8dd1z978b'],
    ['iPhone15手机', 'qxwiphone15 qxc624b qxc673a qxc624bz673a'],
    ['コーヒー', 'qxc30b3 qxc30fc qxc30d2 qxc30fc qxc30b3z30fc qxc30fcz30d2 qxc30d2z30fc'],
    ['ガ', 'qxc30ac'],
  ])('of %s', (text, terms) => {
    expect(indexTerms(text)).toBe(terms);
  });

  it.each([
    ['boots', '+(qxwboot qxwboots*)'],
    ['red boots', '+qxwred +(qxwboot qxwboots*)'],
    ['x', '+qxwx'],
    ['跑鞋', '+qxc8dd1z978b'],
    ['鞋', '+qxc978b'],
    ['red red', '+qxwred +(qxwred qxwred*)'],
  ])('asked for by %s', (typed, required) => {
    expect(termQuery(typed)?.required).toBe(required);
  });

  it('are letters and digits only, longer than any server drops and shorter than any server takes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const terms = indexTerms(text).split(' ').filter(Boolean);
        for (const term of terms) expect(term).toMatch(/^qx[wc][a-z0-9]{1,77}$/);
        expect(termQuery(text)?.required ?? '+qxwa').toMatch(
          /^(?:\+(?:qx[a-z0-9]+|\(qx[a-z0-9]+ qx[a-z0-9]+\*\)) ?)+$/,
        );
      }),
    );
  });

  it('ask for nothing where there is neither letter nor digit', () => {
    for (const text of ['', '  ', '+-><()~*"@', '👟']) expect(termQuery(text)).toBeUndefined();
  });

  it('fold the same text however it is composed', () => {
    expect(fold('Ａ\u0308')).toBe('a');
    expect(fold('Straße ŁÓDŹ')).toBe('strasse lodz');
    expect(fold('\u1112\u1161\u11ab')).toBe('한');
    expect(wordsOf("Men's 跑鞋 X-1")).toEqual(['mens', 'x', '1']);
  });
});

describe('slugs', () => {
  const id = 'prod_01jq0000000000000012345678';
  it.each([
    ['Linen shirt, “soft”', 'linen-shirt-soft'],
    ['Smørrebrød & Œuf', 'smorrebrod-oeuf'],
    ['麒麟花瓶', 'product-12345678'],
    ['跑鞋 Air 2', 'air-2-12345678'],
    ['—', 'product-12345678'],
  ])('of %s', (title, slug) => {
    expect(slugOf(title, id)).toBe(slug);
    expect(isSlug(slug)).toBe(true);
  });

  it('are valid for every title', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (title) => {
        expect(isSlug(slugOf(title, id))).toBe(true);
        expect(isSlug(slugWithId(title, id))).toBe(true);
      }),
    );
  });
});

describe('the distance between words', () => {
  it.each([
    ['boot', 'boot', 0],
    ['bota', 'boat', 1],
    ['jaket', 'jacket', 1],
    ['jakcet', 'jacket', 1],
    ['jacket', 'jackets', 1],
    ['shrit', 'shirt', 1],
    ['abc', 'xyz', undefined],
    ['keyborad', 'keyboard', 1],
    ['keybrd', 'keyboard', 2],
  ])('from %s to %s', (from, to, distance) => {
    expect(editDistance(from, to, 2)).toBe(distance);
  });
});
