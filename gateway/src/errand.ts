/** So many letters at the beginning and at the end of texts tell them apart well enough: of those that differ only in between, a few are found at a time. */
const LETTERS_OF_NAMES = 4;
const LETTERS_OF_VARIABLES = 40;

/** What somebody wants: two errands are equal when one answer does for both. */
export class Errand {
  readonly who: string;
  readonly what: string;
  readonly variables: string;
  readonly hash: number;

  /**
   * @param who       all of a client that the answer may depend on
   * @param what      the operation, by its hash
   * @param variables as JSON text, and what else there is to tell apart
   */
  constructor(who: string, what: string, variables: string) {
    this.who = who;
    this.what = what;
    this.variables = variables;
    const ofNames = hashOf(what, LETTERS_OF_NAMES, hashOf(who, LETTERS_OF_NAMES, START));
    this.hash = hashOf(variables, LETTERS_OF_VARIABLES, ofNames);
  }

  equals({ who, what, variables }: Errand): boolean {
    return this.who === who && this.what === what && this.variables === variables;
  }
}

/** More than is under way at a time. */
const PLACES = 1_024;
/** So many places, one after the other, are for works whose hashes are alike; if more are, one of them is forgotten. */
const NEIGHBOURS = 8;

/**
 * What is being done, by what it is done for. Not a `Map`, in which each new text takes V8 a quarter of a microsecond, and what comes and goes leaves garbage that
 * keeps more garbage (docs/decisions/0033-what-comes-and-goes-with-each-request-stands-in-no-map.md).
 */
export class UnderWay<Work extends { readonly errand: Errand }> {
  readonly #places: (Work | undefined)[] = Array.from({ length: PLACES }, () => undefined);

  find(errand: Errand): Work | undefined {
    for (let neighbour = 0; neighbour < NEIGHBOURS; neighbour++) {
      const work = this.#places[placeOf(errand, neighbour)];
      if (work?.errand.equals(errand)) return work;
    }
    return undefined;
  }

  /** Adds work, in place of any that was there for an equal errand. */
  add(work: Work): void {
    let free: number | undefined;
    for (let neighbour = 0; neighbour < NEIGHBOURS; neighbour++) {
      const place = placeOf(work.errand, neighbour);
      const present = this.#places[place];
      if (!present) free ??= place;
      else if (present.errand.equals(work.errand)) {
        this.#places[place] = work;
        return;
      }
    }
    this.#places[free ?? placeOf(work.errand, 0)] = work;
  }

  /** Nothing happens when it is not there. */
  remove(work: Work): void {
    for (let neighbour = 0; neighbour < NEIGHBOURS; neighbour++) {
      const place = placeOf(work.errand, neighbour);
      if (this.#places[place] === work) this.#places[place] = undefined;
    }
  }

  removeAll(): void {
    this.#places.fill(undefined);
  }
}

function placeOf({ hash }: Errand, neighbour: number): number {
  return (hash + neighbour) & (PLACES - 1);
}

const START = 0x811c9dc5;
const PRIME = 0x01000193;

/** Of the first and the last letters of a text, and of what came before (FNV-1a, in words of 16 bits). */
function hashOf(text: string, letters: number, before: number): number {
  const beginning = Math.min(letters, text.length);
  let hash = before ^ text.length;
  for (let at = 0; at < beginning; at++) hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
  for (let at = Math.max(beginning, text.length - letters); at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
  return hash;
}
