import { type CostEstimator, fragmentsOf, type Variables } from '@souk/platform/cost';
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** One root field of an operation, as it is asked for: under two aliases it is two. */
export interface RootFieldUse {
  name: string;
  /** Whether the schema marks it @sensitive. */
  isSensitive: boolean;
  /** What it is estimated to cost by itself, in points. */
  cost: number;
}

/** The root fields of an operation, whatever fragments they come from. Those of introspection are none: they ask for nothing of the shop. */
export function rootFieldsOf(document: DocumentNode, operation: OperationDefinitionNode): FieldNode[] {
  const fragments = fragmentsOf(document);
  return collect(operation.selectionSet, []);

  function collect({ selections }: SelectionSetNode, conditions: readonly DirectiveNode[]): FieldNode[] {
    return selections.flatMap((selection) => {
      // What is left out together with a fragment is left out.
      const directives = [...conditions, ...(selection.directives ?? [])];
      if (selection.kind === Kind.FIELD) {
        return selection.name.value.startsWith('__') ? [] : [{ ...selection, directives }];
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      return fragment ? collect(fragment.selectionSet, directives) : [];
    });
  }
}

/** Prepares what the root fields of an operation are used for. Ask for valid documents only, because invalid ones cannot be priced. */
export function createRootFieldUses(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  { estimator, sensitiveFields }: { estimator: CostEstimator; sensitiveFields: ReadonlySet<string> },
): (variables: Variables) => RootFieldUse[] {
  const uses = rootFieldsOf(document, operation).map((field) => ({
    name: field.name.value,
    isSensitive: sensitiveFields.has(field.name.value),
    estimate: estimator(document, { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections: [field] } }),
  }));
  return (variables) => uses.map(({ estimate, ...use }) => ({ ...use, cost: estimate(variables) }));
}

/** The names of the root fields that the schema marks with a directive of the door. */
export function rootFieldsMarked(schema: GraphQLSchema, directive: 'sensitive' | 'reserved'): ReadonlySet<string> {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((root) => (root ? Object.values(root.getFields()) : []));
  const isMarked = ({ astNode }: (typeof fields)[number]) =>
    astNode?.directives?.some(({ name }) => name.value === directive);
  return new Set(fields.filter(isMarked).map(({ name }) => name));
}
