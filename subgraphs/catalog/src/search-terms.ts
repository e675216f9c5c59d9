/**
 * Text as the full-text index sees it. The index splits at anything but ASCII letters and digits, drops words of fewer than three characters
 * and those on its list of stop-words, and knows no scripts without spaces; MySQL and MariaDB differ in all of that. So we split ourselves and give it
 * *terms* that it cannot take apart:
 *
 * - a word becomes `qxw` and its letters, other letters than a–y spelled as `z<code point>z`: `qxwboot`, `qxwz434zz43ez43cz`;
 * - a run of Chinese, Japanese, Korean or Thai becomes `qxc` and the code points of each character and each pair of neighbours.
 *
 * No term is short or a stop-word, and what reaches SQL has letters and digits only, so no query can say anything to the full-text parser.
 * A beginning of a word is encoded as the beginning of its term, which is what a search for beginnings needs.
 */

/** The terms of a text, separated by spaces, for the index. */
export function indexTerms(text: string): string {
  return tokensOf(text)
    .flatMap((token) =>
      token.isWord ? [wordTerm(stem(token.text))] : [...characterTerms(token.text), ...pairTerms(token.text)],
    )
    .join(' ');
}

/** What to ask the index for: `required` finds documents with every term, `scored` weighs them. */
export interface TermQuery {
  required: string;
  scored: string;
}

/** More words than anyone types; the index would look up each. */
const MAX_TERMS = 16;
/** A single letter begins a large part of all words, and looking all of them up takes long. */
const MIN_PREFIX_LENGTH = 2;

/** Turns what a customer typed into a query in boolean mode. The last word may be unfinished. Undefined when there is no letter or digit in it. */
export function termQuery(typed: string): TermQuery | undefined {
  const tokens = tokensOf(typed);
  const terms = tokens.flatMap(({ text, isWord }, index) => {
    if (!isWord) return [...text].length === 1 ? characterTerms(text) : pairTerms(text);
    const whole = wordTerm(stem(text));
    const mayBeUnfinished = index === tokens.length - 1 && text.length >= MIN_PREFIX_LENGTH;
    return [mayBeUnfinished ? `(${whole} ${wordTerm(text)}*)` : whole];
  });
  const asked = [...new Set(terms)].slice(0, MAX_TERMS);
  return asked.length === 0
    ? undefined
    : { required: asked.map((term) => `+${term}`).join(' '), scored: asked.join(' ') };
}

/** The words of a text as they are spelled, folded; without scripts that do not separate words. */
export function wordsOf(text: string): string[] {
  return tokensOf(text).flatMap((token) => (token.isWord ? [token.text] : []));
}

/** Lower case without accents, full-width and other look-alike forms replaced: two spellings of one word become one. */
export function fold(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]\p{M}*)\p{M}/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[ßæœøđðłþı]/g, (letter) => latinSpellings[letter] ?? letter)
    .replace(/(?<=\p{L})['’ʼ](?=\p{L})/gu, '');
}

/** Letters that Unicode does not take apart. */
const latinSpellings: Record<string, string> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ł: 'l',
  þ: 'th',
  ı: 'i',
};

interface Token {
  text: string;
  isWord: boolean;
}

const unspaced =
  '[[\\p{L}\\p{N}\\p{M}]&&[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Laoo}\\p{scx=Khmr}\\p{scx=Mymr}]]';
const token = new RegExp(`(?<unspaced>${unspaced}+)|[[\\p{L}\\p{N}\\p{M}]--${unspaced}]+`, 'gv');

function tokensOf(text: string): Token[] {
  return [...fold(text).matchAll(token)].map(({ 0: found, groups }) => ({
    text: found,
    isWord: groups?.['unspaced'] === undefined,
  }));
}

/** Makes an English plural singular, roughly: right or wrong, both sides of the search do the same. */
function stem(word: string): string {
  if (!/^[a-z]{4,}$/.test(word)) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:ss|sh|ch|x|z)es$/.test(word)) return word.slice(0, -2);
  return /[^siu]s$/.test(word) ? word.slice(0, -1) : word;
}

/** The index ignores terms of more than 84 characters, so what is longer is known by its beginning. */
const MAX_TERM_LENGTH = 80;

function wordTerm(word: string): string {
  let term = 'qxw';
  for (const letter of word) {
    const spelled = /[a-y0-9]/.test(letter) ? letter : letter === 'z' ? 'zz' : `z${hex(letter)}z`;
    if (term.length + spelled.length > MAX_TERM_LENGTH) break;
    term += spelled;
  }
  return term;
}

function characterTerms(run: string): string[] {
  return [...run].map((character) => `qxc${hex(character)}`);
}

function pairTerms(run: string): string[] {
  const characters = [...run];
  return characters.slice(1).map((character, index) => `qxc${hex(characters[index] ?? '')}z${hex(character)}`);
}

function hex(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
