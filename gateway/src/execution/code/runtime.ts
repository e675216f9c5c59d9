import { Numbering } from './numbering.ts';

/** The compiled form of an operation met something it leaves to the slow path. */
export class Unexpected extends Error {
  override readonly name = 'Unexpected';
  /** Whether it lost its way among the objects, as it would each time it is run: then the operation is better not compiled. */
  readonly isAstray: boolean;

  constructor(message: string, { isAstray = false } = {}) {
    super(message);
    this.isAstray = isAstray;
  }
}

/** What generated code may call. */
export const runtime = {
  unexpected(): never {
    throw odd;
  },
  astray(): never {
    throw lost;
  },
  /** Two sources of the same objects have to have them both, or neither, and as many. */
  agree(newest: unknown, older: unknown): void {
    if (newest === undefined || older === undefined || (newest === null && older === null)) return;
    if (newest === null || older === null) throw odd;
    const isList = Array.isArray(newest);
    if (isList !== Array.isArray(older) || (isList && newest.length !== (older as unknown[]).length)) throw odd;
  },
  integer(value: unknown): string {
    if (typeof value === 'number' && Number.isFinite(value) && INTEGER.test(String(value))) return String(value);
    throw odd;
  },
  own: (object: object, name: string): unknown =>
    Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined,
  present(value: unknown): unknown {
    if (value === undefined || value === null) throw odd;
    return value;
  },
  json: JSON.stringify as (value: unknown) => string,
  Numbering,
};

/** Large numbers have an exponent when they are written down, and are refused for it. */
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;

// Made once, because their stacks tell nothing.
const odd = new Unexpected('an answer of unexpected shape');
const lost = new Unexpected('objects that the plan did not visit', { isAstray: true });

/**
 * Turns generated code into the function it returns.
 *
 * The code is made of names of the schema and of the document, which are letters, digits and underscores, and of JSON literals. Nothing else of a request gets into it.
 */
export function evaluate<Result>(code: string): Result {
  const names = Object.keys(runtime);
  const make = new Function(...names, `'use strict';\n${code}`) as (...values: unknown[]) => Result;
  return make(...Object.values(runtime));
}
