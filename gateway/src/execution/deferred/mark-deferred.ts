import { fragmentsOf } from '@souk/platform/cost';
import {
  type DirectiveNode,
  type DocumentNode,
  type InlineFragmentNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { type ConditionValues, holdsIn } from '../condition-values.ts';

/** An operation in which each deferred fragment has a label of our own, by which its part of the plan is found again. */
export interface MarkedOperation {
  document: DocumentNode;
  /** Those of the client by ours; undefined where it gave none. */
  labels: ReadonlyMap<string, string | undefined>;
}

/**
 * Marks the fragments that an operation defers. Fragments are put where they are spread: what is deferred within one that is spread twice is deferred in two
 * places.
 *
 * @returns undefined when nothing is deferred
 */
export function markDeferred(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  conditions: ConditionValues,
): MarkedOperation | undefined {
  const fragments = fragmentsOf(document);
  const labels = new Map<string, string | undefined>();
  const marked = { ...operation, selectionSet: inPlace(operation.selectionSet) };
  return labels.size === 0 ? undefined : { document: { kind: Kind.DOCUMENT, definitions: [marked] }, labels };

  function inPlace({ selections }: SelectionSetNode): SelectionSetNode {
    return {
      kind: Kind.SELECTION_SET,
      selections: selections.flatMap((selection) => {
        if (selection.kind === Kind.FIELD) {
          return selection.selectionSet ? { ...selection, selectionSet: inPlace(selection.selectionSet) } : selection;
        }
        const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
        if (!fragment) return [];
        const directives = (selection.directives ?? []).flatMap(mark);
        const { typeCondition, selectionSet } = fragment;
        const inline: InlineFragmentNode = {
          kind: Kind.INLINE_FRAGMENT,
          directives,
          selectionSet: inPlace(selectionSet),
        };
        return typeCondition ? { ...inline, typeCondition } : inline;
      }),
    };
  }

  function mark(directive: DirectiveNode): DirectiveNode[] {
    if (directive.name.value !== 'defer') return [directive];
    const argument = (name: string) => directive.arguments?.find((given) => given.name.value === name)?.value;
    const condition = argument('if');
    if (condition && !holdsIn(condition, conditions)) return [];
    const label = argument('label');
    const own = String(labels.size);
    labels.set(own, label?.kind === Kind.STRING ? label.value : undefined);
    const value = { kind: Kind.STRING as const, value: own };
    const name = { kind: Kind.NAME as const, value: 'label' };
    return [{ ...directive, arguments: [{ kind: Kind.ARGUMENT, name, value }] }];
  }
}

/** Whether anything in a document is deferred, on whatever condition. */
export function defers(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive({ name }) {
      found ||= name.value === 'defer';
    },
  });
  return found;
}

/** The same document for whoever takes only whole answers. */
export function withoutDefer(document: DocumentNode): DocumentNode {
  return visit(document, { Directive: ({ name }) => (name.value === 'defer' ? null : undefined) });
}
