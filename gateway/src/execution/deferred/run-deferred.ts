import type { Schema } from '@apollo/federation-internals';
import { isRecord } from '@souk/platform/is-record';
import { GraphQLError } from 'graphql';
import type { DeferredOperation } from './deferred-operation.ts';
import { type FillOptions, fill } from './fill.ts';
import { type Path, type Tree, valueAt } from './places.ts';
import { type DeferredPlace, type PartPlace, type ShapedPart, shapePart } from './shape-part.ts';

/** The part that comes first, like a whole answer. */
export interface FirstPart {
  data?: Tree | null;
  errors?: readonly GraphQLError[];
  extensions?: Record<string, unknown>;
}

/** What follows it: the places of fragments that are there by now. */
export interface LaterPart {
  incremental: readonly IncrementalResult[];
  hasNext: boolean;
}

export interface IncrementalResult extends FirstPart {
  path: Path;
  label?: string;
}

/** Goes on with an operation until all of its parts are delivered, one after the other. */
export type DeliverRest = (deliver: (part: LaterPart) => void) => Promise<void>;

export interface RunDeferredOptions extends FillOptions {
  schema: Schema;
}

/**
 * Runs an operation whose answer comes in parts: what leads to the first part, and when that is there, what leads to the deferred ones. Each works on a copy of
 * what the enclosing part knew, so that a failure shows in its own part and in no other.
 *
 * @returns the first part, and how to get the others; nothing when there are none
 */
export async function runDeferred(
  operation: DeferredOperation,
  options: RunDeferredOptions,
): Promise<{ first: FirstPart; rest: DeliverRest | undefined }> {
  const tree: Tree = Object.create(null);
  const errors = await fill(tree, operation.first, options);
  const place = { path: [], selectionSet: operation.selectionSet, type: operation.rootType };
  const part = shaped(place, tree, options);
  const rest: DeliverRest = (deliver) => deliverRest(operation, options, { tree, deferred: part.deferred }, deliver);
  const first = part.broken ? { errors: [part.broken] } : resultOf(part, errors);
  return { first, rest: part.deferred.length > 0 ? rest : undefined };
}

/** What a part knew, and what is deferred within it. */
interface Enclosing {
  tree: Tree;
  deferred: readonly DeferredPlace[];
}

async function deliverRest(
  { later, labels }: DeferredOperation,
  options: RunDeferredOptions,
  enclosing: Enclosing,
  deliver: (part: LaterPart) => void,
): Promise<void> {
  let open = 0;
  await Promise.all(begin(enclosing).map((run) => run()));

  /** The fragments within a part, each to be run by itself. */
  function begin({ tree, deferred }: Enclosing): (() => Promise<void>)[] {
    const fragments = [...Map.groupBy(deferred, ({ label }) => label)];
    open += fragments.length;
    return fragments.map(
      ([label, places]) =>
        () =>
          run(label, places, structuredClone(tree)),
    );
  }

  async function run(label: string, places: readonly DeferredPlace[], tree: Tree): Promise<void> {
    const errors = await fill(tree, later.get(label), options);
    const parts = places.map((place) => ({ place, part: shaped(place, valueAt(tree, place.path), options) }));
    const named = labels.get(label);
    const told = ofPlaces(errors, places);
    const incremental = parts.map(({ place, part }) => ({
      ...resultOf(part, told.get(place) ?? [], errors.length > 0),
      path: place.path,
      ...(named === undefined ? {} : { label: named }),
    }));
    const nested = begin({ tree, deferred: parts.flatMap(({ part }) => part.deferred) });
    open--;
    deliver({ incremental, hasNext: open > 0 });
    await Promise.all(nested.map((run) => run()));
  }
}

/** @returns the error of a subgraph that answered with what cannot be shaped */
function shaped(place: PartPlace, input: unknown, options: RunDeferredOptions): ShapedPart & { broken?: GraphQLError } {
  const nothing = { data: null, errors: [], deferred: [] };
  try {
    return isRecord(input) ? shapePart(place, input, options) : nothing;
  } catch (error) {
    if (error instanceof GraphQLError) return { ...nothing, broken: error };
    throw error;
  }
}

/** What shaping finds wrong is told only where no subgraph said why, and then beside the errors, as Apollo Gateway does. */
function resultOf(
  { data, errors: found, broken }: ReturnType<typeof shaped>,
  errors: readonly GraphQLError[],
  isExplained = errors.length > 0,
): FirstPart {
  if (broken) return { errors: [broken], data };
  if (errors.length > 0) return { errors, data };
  return found.length > 0 && !isExplained ? { extensions: { valueCompletion: found }, data } : { data };
}

/** Errors belong to the place that their path leads through, else to the first one. */
function ofPlaces(
  errors: readonly GraphQLError[],
  places: readonly DeferredPlace[],
): Map<DeferredPlace | undefined, GraphQLError[]> {
  return Map.groupBy(errors, ({ path = [] }) => places.find((place) => leadsThrough(path, place.path)) ?? places[0]);
}

function leadsThrough(path: Path, place: Path): boolean {
  return place.every((name, index) => path[index] === name);
}
