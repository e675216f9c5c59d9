import {
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  parse,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';
import type { LaterPart } from '../../gateway/src/execution/deferred/run-deferred.ts';
import type { Operation } from './operation.ts';

/**
 * What is wrong with parts by themselves; undefined when nothing is. An error belongs to the place of its part that its path leads through. One of what no part
 * shows, such as a field of an object that turned out to be of another type, may be told with any.
 */
export function faultIn(parts: readonly LaterPart[]): string | undefined {
  if (parts.length === 0) return 'There are no parts.';
  if (!parts.every(({ hasNext }, index) => hasNext === index < parts.length - 1))
    return 'The last part is not the last.';
  const strays = parts.flatMap(({ incremental }) =>
    incremental
      .flatMap(({ path: place, errors = [] }) => errors.map(({ path = place }) => ({ place, path })))
      .filter(
        ({ place, path }) => !leadsThrough(path, place) && incremental.some((other) => leadsThrough(path, other.path)),
      ),
  );
  return strays.length > 0 ? `Errors of other places: ${JSON.stringify(strays)}` : undefined;
}

function leadsThrough(path: Path, place: Path): boolean {
  return place.every((name, index) => path[index] === name);
}

type Types = ReadonlyMap<string, GraphQLOutputType>;
type Path = readonly (string | number)[];

/** The parts put together, with nulls carried on to where a whole answer has them. */
export function together(first: unknown, later: readonly LaterPart[], types: Types): unknown {
  const root = { data: first };
  const parts = later.flatMap(({ incremental }) => incremental);
  for (const { path, data } of parts) if (data) merge(valueAt(root.data, path), data);
  for (const { path, data } of parts) if (!data) carryNull(root, path, types);
  return root.data;
}

/** Where a part has a null that another one does not have, something in it cannot be null, and that makes the whole null there. */
function merge(into: unknown, from: unknown): unknown {
  if (into === null) return null;
  if (typeof into !== 'object' || into === null || typeof from !== 'object' || from === null) return from;
  for (const [name, value] of Object.entries(from)) {
    const merged = Object.hasOwn(into, name) ? merge((into as Record<string, unknown>)[name], value) : value;
    Object.defineProperty(into, name, { value: merged, configurable: true, enumerable: true, writable: true });
  }
  return into;
}

function valueAt(data: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, name) =>
      value === null || value === undefined ? undefined : (value as Record<string | number, unknown>)[name],
    data,
  );
}

/** In a whole answer the object around a fragment would be null, or what is around that. */
function carryNull(root: { data: unknown }, path: Path, types: Types): void {
  for (let at = path; at.length > 0; at = at.slice(0, -1)) {
    const around = valueAt(root.data, at.slice(0, -1)) as Record<string | number, unknown> | null | undefined;
    const [name] = at.slice(-1);
    if (around === null || around === undefined || name === undefined) return;
    around[name] = null;
    if (!isNonNullType(typeAt(types, at))) return;
  }
  root.data = null;
}

function typeAt(types: Types, path: Path): GraphQLOutputType | undefined {
  const names = path.filter((name) => typeof name === 'string');
  const indices = path.length - 1 - path.findLastIndex((name) => typeof name === 'string');
  let type = types.get(names.join('.'));
  for (let index = 0; index < indices; index++) {
    const list = isNonNullType(type) ? type.ofType : type;
    type = isListType(list) ? list.ofType : undefined;
  }
  return type;
}

/** The type of what is at each path of an answer, which is the same for all objects that may be there, as far as null goes. */
export function typesIn(schema: GraphQLSchema, { query, operationName }: Operation): Types {
  const document = parse(query, { noLocation: true });
  const operation = getOperationAST(document, operationName);
  const types = new Map<string, GraphQLOutputType>();
  const root = operation && schema.getRootType(operation.operation);
  if (operation && root) collect(operation.selectionSet, root, []);
  return types;

  function collect({ selections }: SelectionSetNode, parent: GraphQLCompositeType, path: readonly string[]): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        const type = 'getFields' in parent ? parent.getFields()[selection.name.value]?.type : undefined;
        const at = [...path, selection.alias?.value ?? selection.name.value];
        if (!type) continue;
        types.set(at.join('.'), type);
        const named = getNamedType(type);
        if (selection.selectionSet && isCompositeType(named)) collect(selection.selectionSet, named, at);
        continue;
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT
          ? selection
          : document.definitions.find(
              (each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === selection.name.value,
            );
      if (fragment?.kind !== Kind.INLINE_FRAGMENT && fragment?.kind !== Kind.FRAGMENT_DEFINITION) continue;
      const condition = fragment.typeCondition && typeFromAST(schema, fragment.typeCondition);
      collect(fragment.selectionSet, isCompositeType(condition) ? condition : parent, path);
    }
  }
}
