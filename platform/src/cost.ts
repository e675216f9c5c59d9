import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import { type CostDirectives, type ListSize, readCostDirectives } from './cost-directives.ts';
import { introspectionSizes, schemaFields } from './introspection-sizes.ts';

export type Variables = Readonly<Record<string, unknown>>;

/** What an operation costs with these variables, in points. */
export type CostEstimate = (variables: Variables) => number;

const MUTATION_COST = 10;
const OBJECT_COST = 1;
/** The size of a list of which the schema says nothing. */
const DEFAULT_LIST_SIZE = 10;

/** Prepares the estimate of one operation of a document, which is valid and not large when expanded. */
export type CostEstimator = (document: DocumentNode, operation: OperationDefinitionNode) => CostEstimate;

/**
 * Estimates what operations cost before they are planned, from the @cost and @listSize of the supergraph: an object is 1, a scalar nothing, a mutation 10 on
 * top; a list is as many of its items as the page asks for; an argument that is an input object is 1 for each object in it. Fragments on different types
 * add up, although an object has only one of them: the estimate is never too low. An object of the schema itself, to whom asks for that, is 1 like any other; its
 * lists are as long as they are on average.
 *
 * Rules: https://ibm.github.io/graphql-specs/cost-spec.html, as read by https://www.apollographql.com/docs/graphos/routing/security/demand-control.
 * What does not depend on variables is added up once.
 *
 * @param schema the supergraph as a schema, with its directives
 */
export function createCostEstimator(schema: GraphQLSchema): CostEstimator {
  const directives = readCostDirectives(schema);
  const introspected = introspectionSizes(schema);
  return (document, operation) => {
    const estimate = costOf(operation, { schema, directives, introspected, fragments: fragmentsOf(document) });
    const defaults = defaultsOf(operation);
    return (variables) => Math.ceil(evaluate(estimate, { ...defaults, ...variables }));
  };
}

function costOf(
  { operation, selectionSet }: OperationDefinitionNode,
  { schema, directives, introspected, fragments }: Surroundings,
): Cost {
  const base = operation === OperationTypeNode.MUTATION ? MUTATION_COST : 0;
  return sum([base, ofSelections(selectionSet, schema.getRootType(operation), noPage)]);

  function ofSelections(
    { selections }: SelectionSetNode,
    parent: GraphQLNamedType | undefined | null,
    page: Page,
  ): Cost {
    return sum(selections.map((selection) => whenIncluded(selection, ofSelection(selection, parent, page))));
  }

  function ofSelection(selection: SelectionNode, parent: GraphQLNamedType | undefined | null, page: Page): Cost {
    if (selection.kind === Kind.FIELD) return ofField(selection, parent, page);
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    if (!fragment) return 0;
    const on = fragment.typeCondition;
    return ofSelections(fragment.selectionSet, on ? schema.getType(on.name.value) : parent, page);
  }

  function ofField(field: FieldNode, parent: GraphQLNamedType | undefined | null, page: Page): Cost {
    const name = field.name.value;
    const fields = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields() : {};
    const definition = fields[name] ?? schemaFields[name];
    // Which type an answer has is known without asking.
    if (!definition) return 0;
    const type = getNamedType(definition.type);
    const listSize = directives.listSize(definition);
    const size = sizeOf(field, definition, listSize);
    const inside = field.selectionSet
      ? ofSelections(field.selectionSet, type, { sizedFields: listSize?.sizedFields ?? [], size })
      : 0;
    const each = sum([
      directives.weight(definition) ?? directives.weight(type) ?? (isCompositeType(type) ? OBJECT_COST : 0),
      inside,
    ]);
    const count =
      introspected.get(definition) ??
      (!isListType(getNullableType(definition.type)) ? 1 : page.sizedFields.includes(name) ? page.size : size);
    return sum([product(count, each), ...argumentsOf(field, definition).map(ofArgument)]);
  }

  /** How many items the list that a field leads to will have: its slicing argument, else what the schema assumes. */
  function sizeOf(field: FieldNode, definition: GraphQLField<unknown, unknown>, listSize: ListSize | undefined): Cost {
    const slicing = argumentsOf(field, definition, listSize?.slicingArguments ?? []);
    const assumed = listSize?.assumedSize ?? DEFAULT_LIST_SIZE;
    return overVariables(
      slicing.map(({ node }) => node),
      (variables) => {
        const asked = slicing.map(({ node, definition }) => resolved(node, variables) ?? definition.defaultValue);
        const sizes = asked.filter((size) => typeof size === 'number');
        return sizes.length === 0 ? assumed : Math.max(0, ...sizes);
      },
    );
  }

  function ofArgument({ node, definition }: Argument): Cost {
    return overVariables([node], (variables) =>
      ofInput(resolved(node, variables), definition.type, directives.weight(definition)),
    );
  }

  function ofInput(value: unknown, type: GraphQLInputType, own: number | undefined): number {
    if (value === null || value === undefined) return 0;
    const expected = getNullableType(type);
    if (isListType(expected)) {
      const items: unknown[] = Array.isArray(value) ? value : [value];
      return items.reduce<number>((total, item) => total + ofInput(item, expected.ofType, own), 0);
    }
    if (!isInputObjectType(expected)) return own ?? directives.weight(expected) ?? 0;
    return Object.values(expected.getFields()).reduce(
      (total, field) => total + ofInput((value as Variables)[field.name], field.type, directives.weight(field)),
      own ?? OBJECT_COST,
    );
  }
}

interface Surroundings {
  schema: GraphQLSchema;
  directives: CostDirectives;
  introspected: ReturnType<typeof introspectionSizes>;
  fragments: Map<string, FragmentDefinitionNode>;
}

/** The fields that show the page which the field above them asked for, such as `nodes` and `edges`, and how long it is. */
interface Page {
  sizedFields: readonly string[];
  size: Cost;
}

const noPage: Page = { sizedFields: [], size: 0 };

/** The fragments of a document by their names. */
export function fragmentsOf({ definitions }: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Variables {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, defaultValue }) =>
      defaultValue ? [[variable.name.value, valueFromASTUntyped(defaultValue)]] : [],
    ),
  );
}

interface Argument {
  node: ValueNode | undefined;
  definition: GraphQLArgument;
}

/** The arguments of a field with what the document gives for them; all of them, or those of the given names. */
function argumentsOf(
  field: FieldNode,
  { args }: GraphQLField<unknown, unknown>,
  names?: readonly string[],
): Argument[] {
  return args
    .filter(({ name }) => names?.includes(name) ?? true)
    .map((definition) => ({
      definition,
      node: field.arguments?.find(({ name }) => name.value === definition.name)?.value,
    }));
}

/** A number, or, where variables decide, how to find it. */
type Cost = number | CostEstimate;

function evaluate(cost: Cost, variables: Variables): number {
  return typeof cost === 'number' ? cost : cost(variables);
}

function sum(costs: Cost[]): Cost {
  const fixed = costs.reduce<number>((total, cost) => (typeof cost === 'number' ? total + cost : total), 0);
  const open = costs.filter((cost) => typeof cost === 'function');
  return open.length === 0 ? fixed : (variables) => open.reduce((total, cost) => total + cost(variables), fixed);
}

function product(count: Cost, each: Cost): Cost {
  if (typeof count === 'number' && typeof each === 'number') return count * each;
  return (variables) => evaluate(count, variables) * evaluate(each, variables);
}

/** What `@skip` and `@include` leave out costs nothing. */
function whenIncluded({ directives = [] }: SelectionNode, cost: Cost): Cost {
  const conditions = directives.flatMap(({ name, arguments: [condition] = [] }) =>
    name.value === 'skip' || name.value === 'include'
      ? [{ node: condition?.value, leavesOut: name.value === 'skip' }]
      : [],
  );
  if (conditions.length === 0) return cost;
  const left = overVariables(
    conditions.map(({ node }) => node),
    (variables) => (conditions.some(({ node, leavesOut }) => resolved(node, variables) === leavesOut) ? 0 : 1),
  );
  return product(left, cost);
}

/** A number that depends on values of the document: found now when they hold no variable, else for every request. */
function overVariables(nodes: (ValueNode | undefined)[], find: CostEstimate): Cost {
  return nodes.some(readsVariables) ? find : find({});
}

function readsVariables(node: ValueNode | undefined): boolean {
  if (node?.kind === Kind.LIST) return node.values.some(readsVariables);
  if (node?.kind === Kind.OBJECT) return node.fields.some(({ value }) => readsVariables(value));
  return node?.kind === Kind.VARIABLE;
}

function resolved(node: ValueNode | undefined, variables: Variables): unknown {
  return node && valueFromASTUntyped(node, variables);
}
