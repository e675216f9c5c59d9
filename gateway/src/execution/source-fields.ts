import type { FetchDataRewrite } from '@apollo/query-planner';
import { type DocumentNode, type FragmentDefinitionNode, Kind, parse, type SelectionSetNode } from 'graphql';
import type { ConditionValues } from './condition-values.ts';
import { NotCompilable } from './not-compilable.ts';
import type { Fetch } from './steps.ts';

/** What a fetch asks of an object, by the name it has in the answer (after the output rewrites). */
export type SourceFields = Map<string, SourceField>;

export interface SourceField {
  /** The type conditions around each place it is asked at: all of one list have to hold. */
  conditions: (readonly string[])[];
  /** What is asked of the objects in it; undefined for a leaf. */
  fields: SourceFields | undefined;
}

/**
 * Reads what a fetch supplies out of the operation it sends: the fields of the root for a root fetch, those of the entities for an entity fetch.
 *
 * @throws {NotCompilable}
 */
export function sourceFieldsOf({ node }: Fetch, conditions: ConditionValues): SourceFields {
  const document = node.operationDocumentNode ?? parse(node.operation, { noLocation: true });
  const root = read(document, conditions);
  const fields = node.requires ? root.get('_entities')?.fields : root;
  if (!fields) throw new NotCompilable('entity fetch without entities');
  for (const rewrite of node.outputRewrites ?? []) rename(fields, rewrite);
  return fields;
}

function read({ definitions }: DocumentNode, conditions: ConditionValues): SourceFields {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const operation = definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const root: SourceFields = new Map();
  if (operation) collect(operation.selectionSet, [], root);
  return root;

  function collect({ selections }: SelectionSetNode, types: readonly string[], into: SourceFields): void {
    for (const selection of selections) {
      if (!conditions.keeps(selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const name = selection.alias?.value ?? selection.name.value;
        const field: SourceField = into.get(name) ?? {
          conditions: [],
          fields: selection.selectionSet ? new Map() : undefined,
        };
        into.set(name, field);
        field.conditions.push(types);
        if (selection.selectionSet && field.fields) collect(selection.selectionSet, [], field.fields);
      } else {
        const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
        if (!fragment) throw new NotCompilable('unknown fragment');
        const type = fragment.typeCondition?.name.value;
        collect(fragment.selectionSet, type === undefined ? types : [...types, type], into);
      }
    }
  }
}

/** Where names of an answer would be in conflict the planner asks under an alias, and has the answer renamed. */
function rename(fields: SourceFields, rewrite: FetchDataRewrite): void {
  if (rewrite.kind !== 'KeyRenamer' || rewrite.renameKeyTo in Object.prototype)
    throw new NotCompilable(`output rewrite ${rewrite.kind}`);
  const names = rewrite.path.filter((element) => !element.startsWith('... on '));
  const alias = names.pop() ?? '';
  const parent = names.reduce<SourceFields | undefined>((at, name) => at?.get(name)?.fields, fields);
  const field = parent?.get(alias);
  if (!parent || !field) throw new NotCompilable('output rewrite of what is not asked');
  parent.delete(alias);
  const same = parent.get(rewrite.renameKeyTo);
  if (same?.fields || field.fields) throw new NotCompilable('output rewrite of objects');
  parent.set(rewrite.renameKeyTo, same ? { ...same, conditions: [...same.conditions, ...field.conditions] } : field);
}
