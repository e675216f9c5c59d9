import { applyRewrites } from '@apollo/gateway/dist/dataRewrites.js';
import { deepMerge } from '@apollo/gateway/dist/utilities/deepMerge.js';
import type { FetchNode, PlanNode } from '@apollo/query-planner';
import { isRecord } from '@souk/platform/is-record';
import { GraphQLError, type GraphQLNamedType, type GraphQLSchema, isInterfaceType } from 'graphql';
import type { ConditionValues } from '../condition-values.ts';
import type { SubgraphAnswer, SubgraphError } from '../run.ts';
import { own, type Path, type Place, placesAt, type Tree } from './places.ts';
import { representationOf } from './representation-of.ts';

export interface FillOptions {
  supergraphSchema: GraphQLSchema;
  conditions: ConditionValues;
  /** Sends what a fetch asks; of an entity fetch with the JSON text of its representations, separated by commas. */
  ask(fetch: FetchNode, representations: string | undefined): Promise<SubgraphAnswer>;
}

/**
 * Fills a tree with the answers that a part of the plan asks for, as the stock executor does. What was answered may be shared, so it is copied first.
 *
 * @returns what subgraphs said was wrong
 */
export async function fill(tree: Tree, part: PlanNode | undefined, options: FillOptions): Promise<GraphQLError[]> {
  const { supergraphSchema, conditions, ask } = options;
  const errors: GraphQLError[] = [];
  if (part) await take(part, []);
  return errors;

  async function take(node: PlanNode, path: readonly string[]): Promise<void> {
    switch (node.kind) {
      case 'Sequence':
        for (const child of node.nodes) await take(child, path);
        return;
      case 'Parallel':
        await Promise.all(node.nodes.map((child) => take(child, path)));
        return;
      case 'Flatten':
        return take(node.node, [...path, ...node.path.map(String)]);
      case 'Condition': {
        const branch = conditions.holds(node.condition) ? node.ifClause : node.elseClause;
        return branch && take(branch, path);
      }
      case 'Defer':
        return node.primary.node && take(node.primary.node, path);
      case 'Fetch':
        try {
          await (node.requires ? takeEntities(node, path) : takeFields(node, path));
        } catch (error) {
          errors.push(asGraphQLError(error as Error));
        }
    }
  }

  async function takeFields(fetch: FetchNode, path: readonly string[]): Promise<void> {
    const places = placesAt(tree, path);
    if (places.length === 0) return;
    const { data, errors: told } = await ask(fetch, undefined);
    for (const error of told ?? []) errors.push(errorAt(error, fetch, error.path));
    for (const { value } of places) merge(value, data, fetch);
  }

  async function takeEntities(fetch: FetchNode, path: readonly string[]): Promise<void> {
    const asked = new Map<string, Place[]>();
    for (const place of placesAt(tree, path)) {
      const representation = representationOf(place.value, fetch.requires ?? [], supergraphSchema);
      if (!representation?.['__typename']) continue;
      applyRewrites(supergraphSchema, fetch.inputRewrites, representation);
      const text = JSON.stringify(representation);
      asked.set(text, [...(asked.get(text) ?? []), place]);
    }
    if (asked.size === 0) return;
    const { data, errors: told, isLost = false } = await ask(fetch, [...asked.keys()].join());
    const places = [...asked.values()];
    for (const error of told ?? []) errors.push(...errorsAt(error, fetch, places, isLost));
    if (!data) return;
    const { _entities: entities } = data;
    if (!Array.isArray(entities)) throw new Error('Expected "data._entities" in response to be an array');
    if (entities.length !== asked.size) {
      throw new Error(`Expected "data._entities" to contain ${asked.size} elements`);
    }
    for (const [number, some] of places.entries()) for (const { value } of some) merge(value, entities[number], fetch);
  }

  function merge(into: Tree, answered: unknown, { outputRewrites }: FetchNode): void {
    if (!isRecord(answered)) return;
    const copy = structuredClone(answered);
    copy['__typename'] ??= into['__typename'];
    applyRewrites(supergraphSchema, outputRewrites, copy);
    keepTypes(into, copy);
    deepMerge(into, copy);
  }

  /** A subgraph that has an interface as an object calls objects by its name. That says less than the type that is known from elsewhere. */
  function keepTypes(into: unknown, answered: unknown): void {
    if (Array.isArray(into) && Array.isArray(answered)) {
      for (const [index, item] of answered.entries()) keepTypes(into[index], item);
      return;
    }
    if (!isRecord(into) || !isRecord(answered)) return;
    for (const [name, value] of Object.entries(answered)) {
      if (name === '__typename' && isInterfaceType(typeNamed(value))) answered[name] = into[name] ?? value;
      else keepTypes(own(into, name), value);
    }
  }

  function typeNamed(name: unknown): GraphQLNamedType | undefined {
    return typeof name === 'string' ? supergraphSchema.getType(name) : undefined;
  }
}

function asGraphQLError(error: Error): GraphQLError {
  return error instanceof GraphQLError ? error : new GraphQLError(error.message, { originalError: error });
}

/** An error of an entity belongs to every place that the entity stands for; of a subgraph that did not answer it is said once. */
function errorsAt(
  error: SubgraphError,
  fetch: FetchNode,
  places: readonly (readonly Place[])[],
  isLost: boolean,
): GraphQLError[] {
  const [list, number, ...rest] = error.path ?? [];
  const found = list === '_entities' && typeof number === 'number' ? (places[number] ?? []) : [];
  const told = isLost ? found.slice(0, 1) : found;
  return told.length === 0
    ? [errorAt(error, fetch, undefined)]
    : told.map(({ path }) => errorAt(error, fetch, [...path, ...rest]));
}

function errorAt(error: SubgraphError, { serviceName }: FetchNode, path: Path | undefined): GraphQLError {
  const { message, extensions } = error;
  return new GraphQLError(message || `Error while fetching subquery from service "${serviceName}"`, {
    originalError: error as unknown as Error,
    path,
    extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', ...extensions, serviceName },
  });
}
