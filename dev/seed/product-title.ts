import { type Audience, audiences, type Kind } from './assortment.ts';
import { chineseLines, englishLines, slugOf } from './names.ts';
import { type Language, type Quality, qualities } from './qualities.ts';
import { fnv1a } from './random.ts';

/** What a product is called, and what its title promises. */
export interface Composition {
  title: string;
  slug: string;
  quality: Quality;
  audience: Audience | null;
}

/** Titles never meet: each product of a kind takes another combination, in an order that looks like chance, and then a second edition begins. */
export function compose(kind: Kind, language: Language, turn: number): Composition {
  const lines = language === 'zh' ? chineseLines : englishLines.map((line) => [line, slugOf(line)] as const);
  const wearers = kind.kidsSizes ? audiences : [null];
  const combinations = lines.length * kind.qualities.length * kind.nouns.length * wearers.length;
  const chineseBefore = Math.floor((turn + 1) / 3);
  const nth = language === 'zh' ? chineseBefore : turn - chineseBefore;

  let position = (nth * strideThrough(combinations) + (fnv1a(kind.slug) >>> 0)) % combinations;
  const take = <Item>(items: readonly Item[]): Item => {
    const item = items[position % items.length] as Item;
    position = Math.floor(position / items.length);
    return item;
  };
  const noun = take(kind.nouns);
  const audience = take(wearers);
  const quality = qualities[take(kind.qualities)];
  const [line, lineSlug] = take<readonly [string, string]>(lines);

  const edition = Math.floor(nth / combinations) + 1;
  const words = language === 'zh' ? [`${line}${quality.word.zh}${noun.zh}`] : [line, quality.word.en, noun.en];
  if (audience) words.push(audience.title[language]);
  if (edition > 1) words.push(String(edition));
  const slugs = [lineSlug, quality.word.en, noun.en, audience?.tag.en ?? '', edition > 1 ? String(edition) : ''];
  return { title: words.join(' '), slug: slugOf(slugs.join(' ')), quality, audience };
}

/** A step that visits every one of so many places before it comes back, near the golden ratio so that neighbours lie far apart. */
function strideThrough(places: number): number {
  let stride = Math.max(1, Math.round(places * 0.618));
  while (greatestCommonDivisor(stride, places) !== 1) stride++;
  return stride;
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
