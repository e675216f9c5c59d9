import { isRecord } from '@souk/platform/is-record';

/** The merged answers of subgraphs, as far as they are there. */
export type Tree = Record<string, unknown>;
export type Path = readonly (string | number)[];

/** An object in a tree. */
export interface Place {
  path: Path;
  value: Tree;
}

/** The objects that a path of the plan leads to, in which `@` stands for the items of a list. */
export function placesAt(tree: Tree, path: readonly string[]): Place[] {
  return walk(tree, path, []);
}

function walk(value: unknown, path: readonly string[], walked: Path): Place[] {
  const [next, ...rest] = path;
  if (next === '@') {
    return Array.isArray(value) ? value.flatMap((item, index) => walk(item, rest, [...walked, index])) : [];
  }
  if (!isRecord(value)) return [];
  return next === undefined ? [{ path: walked, value }] : walk(own(value, next), rest, [...walked, next]);
}

/** What a path of a response leads to. */
export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce((value, name) => (Array.isArray(value) || isRecord(value) ? own(value, name) : undefined), tree);
}

/** What an object has by itself and not by nature, whatever it is called. */
export function own(object: object, name: string | number): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string | number, unknown>)[name] : undefined;
}
