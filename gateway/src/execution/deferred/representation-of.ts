import { isObjectOfType } from '@apollo/gateway/dist/dataRewrites.js';
import { deepMerge } from '@apollo/gateway/dist/utilities/deepMerge.js';
import type { QueryPlanSelectionNode } from '@apollo/query-planner';
import { isRecord } from '@souk/platform/is-record';
import { type GraphQLSchema, Kind } from 'graphql';
import { own, type Tree } from './places.ts';

/** What an entity fetch requires of an object; null when it is not there, because whatever should have brought it has failed. */
export function representationOf(
  object: Tree,
  selections: readonly QueryPlanSelectionNode[],
  schema: GraphQLSchema,
): Tree | null {
  const representation: Tree = Object.create(null);
  for (const selection of selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const { typeCondition } = selection;
      if (!typeCondition || !isObjectOfType(schema, object, typeCondition)) continue;
      deepMerge(representation, representationOf(object, selection.selections, schema));
      continue;
    }
    const { name, alias = name, selections: inside } = selection;
    const value = own(object, alias);
    if (value === undefined) return null;
    const picked = (item: unknown) =>
      inside && item !== null ? (isRecord(item) ? representationOf(item, inside, schema) : null) : item;
    representation[alias] = Array.isArray(value) ? value.map(picked) : picked(value);
  }
  return representation;
}
