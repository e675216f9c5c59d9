/** So many are told apart by comparing them with each other. To look a text up in a `Map`, V8 makes it a name first, as those of properties, and that takes longer. */
const COMPARED = 64;

/** Numbers values, from 0 on, in the order in which they were seen first. */
export class Numbering {
  readonly #values: unknown[] = [];
  #numbers: Map<unknown, number> | undefined;

  get size(): number {
    return this.#values.length;
  }

  /** The number of a value; -1 when it has none. */
  of(value: unknown): number {
    if (this.#numbers) return this.#numbers.get(value) ?? -1;
    return this.#values.indexOf(value);
  }

  /** Gives a number to a value that has none. */
  add(value: unknown): number {
    const number = this.#values.push(value) - 1;
    if (this.#numbers) this.#numbers.set(value, number);
    else if (number === COMPARED) this.#numbers = new Map(this.#values.map((each, place) => [each, place]));
    return number;
  }
}
