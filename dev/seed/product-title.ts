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

/**
 * Titles never meet. The products of a kind take turns through its qualities and nouns, so that few of them already show all there is, and each such
 * pair goes through all names and wearers in an order that looks like chance. After that a second edition begins.
 */
export function compose(kind: Kind, language: Language, turn: number): Composition {
  const lines = language === 'zh' ? chineseLines : englishLines.map((line) => [line, slugOf(line)] as const);
  const wearers = kind.kidsSizes ? audiences : [null];
  const chineseBefore = Math.floor((turn + 1) / 3);
  const nth = language === 'zh' ? chineseBefore : turn - chineseBefore;

  const [qualityName, round] = takeTurn(kind.qualities, nth, 0);
  const [noun, cycle] = takeTurn(kind.nouns, round, nth % kind.qualities.length);
  const places = lines.length * wearers.length;
  const start = fnv1a(`${kind.slug} ${language} ${qualityName} ${noun.en}`) >>> 0;
  const [audience, rest] = takeTurn(wearers, (cycle * strideThrough(places) + start) % places, 0);
  const [[line, lineSlug]] = takeTurn<readonly [string, string]>(lines, rest, 0);
  const quality = qualities[qualityName];
  const edition = Math.floor(cycle / places) + 1;

  const words = language === 'zh' ? [`${line}${quality.word.zh}${noun.zh}`] : [line, quality.word.en, noun.en];
  if (audience) words.push(audience.title[language]);
  if (edition > 1) words.push(String(edition));
  const slugs = [lineSlug, quality.word.en, noun.en, audience?.tag.en ?? '', edition > 1 ? String(edition) : ''];
  return { title: words.join(' '), slug: slugOf(slugs.join(' ')), quality, audience };
}

/** The item whose turn it is, and how often all of them have had theirs. */
function takeTurn<Item>(items: readonly Item[], turn: number, shift: number): [Item, number] {
  return [items[(turn + shift) % items.length] as Item, Math.floor(turn / items.length)];
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
