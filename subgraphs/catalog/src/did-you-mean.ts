import type { Database } from '@souk/platform/database';
import { between, inArray } from 'drizzle-orm';
import { matches } from './search-filters.ts';
import { MAX_WORD_LENGTH, MIN_WORD_LENGTH } from './search-index.ts';
import { fold, termQuery, wordsOf } from './search-terms.ts';
import { productSearch, searchWords } from './tables.ts';

/** More words than this are not corrected: each takes a look at thousands. */
const MAX_WORDS = 6;

/**
 * A spelling of what was typed that finds something: each word that no title has is replaced by the nearest that one has.
 * Null when there is none near enough.
 */
export async function correctSpelling(db: Database, typed: string): Promise<string | null> {
  const words = [...new Set(wordsOf(typed))].filter(isCorrectable).slice(0, MAX_WORDS);
  if (words.length === 0) return null;
  const known = await db.select({ word: searchWords.word }).from(searchWords).where(inArray(searchWords.word, words));
  const isKnown = new Set(known.map(({ word }) => word));

  let corrected = fold(typed);
  for (const word of words.filter((each) => !isKnown.has(each))) {
    const nearest = await nearestWord(db, word);
    if (nearest === undefined) return null;
    corrected = corrected.replaceAll(word, nearest);
  }
  return corrected !== fold(typed) && (await findsSomething(db, corrected)) ? corrected : null;
}

function isCorrectable(word: string): boolean {
  return word.length >= MIN_WORD_LENGTH && word.length <= MAX_WORD_LENGTH;
}

async function nearestWord(db: Database, word: string): Promise<string | undefined> {
  const allowed = word.length < 5 ? 1 : 2;
  const candidates = await db
    .select({ word: searchWords.word })
    .from(searchWords)
    .where(between(searchWords.length, word.length - allowed, word.length + allowed));
  let nearest: { word: string; distance: number } | undefined;
  for (const { word: candidate } of candidates) {
    const distance = editDistance(word, candidate, nearest ? nearest.distance - 1 : allowed);
    if (distance !== undefined) nearest = { word: candidate, distance };
    if (nearest?.distance === 1) break;
  }
  return nearest?.word;
}

/**
 * How many letters must be changed, added, left out or swapped with their neighbour to get from one word to the other; undefined when more than `limit`.
 * Optimal string alignment: https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance
 */
export function editDistance(from: string, to: string, limit: number): number | undefined {
  if (Math.abs(from.length - to.length) > limit) return undefined;
  let twoBefore: number[] = [];
  let before = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const cost = from[row - 1] === to[column - 1] ? 0 : 1;
      const cell = (line: number[], at: number) => line[at] ?? Number.POSITIVE_INFINITY;
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        cell(before, column) + 1,
        cell(current, column - 1) + 1,
        cell(before, column - 1) + cost,
        isSwap ? cell(twoBefore, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    if (Math.min(...current) > limit) return undefined;
    [twoBefore, before] = [before, current];
  }
  const distance = before[to.length] ?? 0;
  return distance <= limit ? distance : undefined;
}

async function findsSomething(db: Database, text: string): Promise<boolean> {
  const terms = termQuery(text);
  if (!terms) return false;
  const found = await db.select({ id: productSearch.productId }).from(productSearch).where(matches(terms)).limit(1);
  return found.length > 0;
}
