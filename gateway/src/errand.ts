/** So many letters tell texts apart well enough: those that differ and do not show it here are only not found. */
const LETTERS_OF_NAMES = 8;
const LETTERS_OF_VARIABLES = 64;

/** What somebody wants: two errands are equal when one answer does for both. */
export class Errand {
  readonly who: string;
  readonly what: string;
  readonly variables: string;
  readonly hash: number;

  /**
   * @param who       all of a client that the answer may depend on
   * @param what      the operation
   * @param variables as JSON text
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
 * What is being done, by what it is done for. In a `Map` by the texts each text would become a name first, as those of properties; for small requests that took
 * V8 a tenth of all their time. And what comes and goes in a `Map` makes it move house again and again: an old house that is in old memory has all that lived in
 * the next one kept until the next large collection of garbage.
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

/** Of the last letters of a text, and of what came before (FNV-1a, in words of 16 bits). */
function hashOf(text: string, letters: number, before: number): number {
  let hash = before ^ text.length;
  for (let at = Math.max(0, text.length - letters); at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), PRIME);
  return hash;
}
