import type { Collected } from './compile.ts';
import type { SubgraphRequest } from './subgraph-request.ts';

/**
 * What one run of an operation has come to so far, by the numbers of its fetches.
 *
 * Runs under way at the same time share what subgraphs answer: not equal objects, but the very same ones. As long as a run has been given nothing but what the
 * run that began before it was given, all that follows from it is the same as well: the representations it collects, the requests it makes, its text.
 */
export interface Trail<Result> {
  variables: Readonly<Record<string, unknown>>;
  collected: (Collected | undefined)[];
  requests: (SubgraphRequest | undefined)[];
  /** The `data` of answers. */
  given: unknown[];
  /** What was made of the text in the end. Nobody may change it. */
  result?: Result;
}

/** The runs of one operation that are under way. */
export interface Rush<Result> {
  /** Begins a run. @returns its trail, and that of the run before, if any is still under way */
  begin(variables: Trail<Result>['variables']): { own: Trail<Result>; before: Trail<Result> | undefined };
  /** Ends a run. With the last one everything is forgotten: answers are kept no longer than somebody waits for them. */
  end(): void;
}

export function createRush<Result>(): Rush<Result> {
  let underWay = 0;
  let latest: Trail<Result> | undefined;
  return {
    begin(variables) {
      const before = latest;
      const own: Trail<Result> = { variables, collected: [], requests: [], given: [] };
      latest = own;
      underWay++;
      return { own, before };
    },
    end() {
      underWay--;
      if (underWay === 0) latest = undefined;
    },
  };
}

/** Whether a fetch that uses these variables is given the same by both. Objects are taken to differ. */
export function areSame(
  names: readonly string[],
  one: Readonly<Record<string, unknown>>,
  other: Readonly<Record<string, unknown>>,
): boolean {
  for (const name of names) if (one[name] !== other[name]) return false;
  return true;
}
