import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  Kind,
  type SelectionSetNode,
  validate,
  visit,
} from 'graphql';

/**
 * Takes out of a document what makes it invalid, until it is valid. A generator then need not know every rule: two fields that cannot be merged lose one of
 * them, a fragment or variable that nothing uses any more goes.
 */
export function withoutFaults(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  let current = document;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const errors = validate(schema, current);
    if (errors.length === 0) return current;
    const faults = errors.flatMap(({ nodes }) => nodes?.at(-1) ?? []);
    current = without(current, new Set(faults));
  }
  throw new Error('Expected a document to become valid in time.');
}

const MAX_ROUNDS = 100;

/** Takes parts out of a document, or the smallest thing around them that can be taken out. */
export function without(document: DocumentNode, parts: ReadonlySet<ASTNode>): DocumentNode {
  const removed = new Set<ASTNode>();
  visit(document, {
    enter(node, _key, _parent, _path, ancestors) {
      if (!parts.has(node)) return;
      const around = [...(ancestors.filter((each) => 'kind' in each) as ASTNode[]), node];
      const whole = around.findLast(({ kind }) => removable.has(kind));
      if (!whole) throw new Error(`Expected something in a document that can be taken out, got ${node.kind}.`);
      removed.add(whole);
    },
  });
  return visit(document, {
    enter: (node) => (removed.has(node) ? null : undefined),
    leave: (node) => (node.kind === Kind.SELECTION_SET && node.selections.length === 0 ? typenameOnly : undefined),
  });
}

const removable = new Set<Kind>([
  Kind.FIELD,
  Kind.INLINE_FRAGMENT,
  Kind.FRAGMENT_SPREAD,
  Kind.FRAGMENT_DEFINITION,
  Kind.VARIABLE_DEFINITION,
  Kind.DIRECTIVE,
  Kind.ARGUMENT,
  Kind.OPERATION_DEFINITION,
]);

export const typenameOnly: SelectionSetNode = {
  kind: Kind.SELECTION_SET,
  selections: [{ kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } }],
};
