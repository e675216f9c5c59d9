import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  getOperationAST,
  getVariableValues,
  isAbstractType,
  isCompositeType,
  isObjectType,
  Kind,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';
import type { Operation } from './operation.ts';
import { withoutFaults } from './valid.ts';

/**
 * Writes an operation in a plainer way that asks for the same, besides types and the schema. The stock gateway answers this one rightly where it does not the other:
 *
 * - of an object that does not tell its type it leaves out what is asked of that type in a fragment within one of another; so objects tell their type where the
 *   schema does not, and where it does there are no fragments;
 * - under a condition it leaves out more than it should, where aliases meet; so conditions are decided before;
 * - it may lose the type of an object that is asked for it (`planner-faults.ts`); so no other one is asked.
 *
 * What has no valid variables stays as it is: both are to refuse it.
 */
export function plain(schema: GraphQLSchema, operation: Operation): Operation {
  const { query, variables, operationName } = operation;
  const document = parse(query, { noLocation: true });
  const definition = getOperationAST(document, operationName);
  const root = definition && schema.getRootType(definition.operation);
  if (!root) return operation;
  const { coerced } = getVariableValues(schema, definition.variableDefinitions ?? [], variables);
  if (!coerced) return operation;
  const values = coerced;
  const selectionSet = told(selectionsOf(definition.selectionSet, root));
  const plainer = withoutFaults(schema, { ...document, definitions: [{ ...definition, selectionSet }] });
  return { ...operation, query: print(plainer) };

  function selectionsOf({ selections }: SelectionSetNode, type: GraphQLCompositeType): SelectionNode[] {
    return selections.filter(isLeftIn).flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return fieldOf(selection, type);
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragmentNamed(selection.name.value);
      if (!fragment) return [];
      const condition = fragment.typeCondition && typeFromAST(schema, fragment.typeCondition);
      if (!isCompositeType(condition)) return selectionsOf(fragment.selectionSet, type);
      if (isObjectType(type)) return isOf(type, condition) ? selectionsOf(fragment.selectionSet, type) : [];
      const inside = selectionsOf(fragment.selectionSet, condition);
      const { typeCondition } = fragment;
      return inside.length === 0 || !typeCondition
        ? []
        : [
            {
              kind: Kind.INLINE_FRAGMENT,
              typeCondition,
              selectionSet: { kind: Kind.SELECTION_SET, selections: inside },
            },
          ];
    });
  }

  function fieldOf({ directives: _, ...field }: FieldNode, parent: GraphQLCompositeType): FieldNode[] {
    const definition = 'getFields' in parent ? parent.getFields()[field.name.value] : undefined;
    if (!definition) return [];
    const type = getNamedType(definition.type);
    if (!field.selectionSet || !isCompositeType(type)) return [field];
    const inside = selectionsOf(field.selectionSet, type);
    return [{ ...field, selectionSet: told(inside, isAbstractType(type)) }];
  }

  function isOf(type: GraphQLObjectType, condition: GraphQLCompositeType): boolean {
    return isAbstractType(condition) ? schema.isSubType(condition, type) : condition === type;
  }

  function fragmentNamed(name: string) {
    return document.definitions.find((each) => each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === name) as
      | FragmentDefinitionNode
      | undefined;
  }

  function isLeftIn(selection: SelectionNode): boolean {
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, values);
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, values);
    return skip?.['if'] !== true && include?.['if'] !== false;
  }
}

/** With the type, and in any case with something. */
function told(selections: readonly SelectionNode[], mustTell = false): SelectionSetNode {
  return {
    kind: Kind.SELECTION_SET,
    selections: mustTell || selections.length === 0 ? [typename, ...selections] : selections,
  };
}

const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };
