import type { FetchNode, QueryPlanFieldNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import type { Graph } from '../graph.ts';
import { NotCompilable } from '../not-compilable.ts';

/** What the representations of a fetch look like for objects that tell one of certain types. */
export interface RepresentationCase {
  typenames: [string, ...string[]];
  /** Besides `__typename`. */
  fields: QueryPlanFieldNode[];
  /** What `__typename` becomes for a subgraph that knows a type by another name; undefined where it stays. */
  rewrittenTo: string | undefined;
  /** Whether one missing field leaves nothing of the representation. */
  isOneFragment: boolean;
}

/**
 * Sorts out ahead, for every type there is, which parts of `requires` apply to it and what becomes of its name.
 *
 * @throws {NotCompilable}
 */
export function representationCases(node: FetchNode, graph: Graph): RepresentationCase[] {
  const fragments = (node.requires ?? []).flatMap((selection) => fragmentsOf(selection, graph, undefined));
  const cases = new Map<string, RepresentationCase>();
  for (const typename of new Set(fragments.flatMap(({ typenames }) => [...typenames]))) {
    const applying = fragments.filter(({ typenames }) => typenames.has(typename));
    const rewrittenTo = rewritten(typename, node, graph);
    const key = `${applying.map((fragment) => fragments.indexOf(fragment)).join()} ${rewrittenTo ?? ''}`;
    const known = cases.get(key);
    if (known) known.typenames.push(typename);
    else {
      const fields = merged(applying.flatMap((fragment) => fragment.fields));
      cases.set(key, { typenames: [typename], fields, rewrittenTo, isOneFragment: applying.length === 1 });
    }
  }
  return [...cases.values()];
}

/** Fields for objects of certain types. */
interface Fragment {
  typenames: ReadonlySet<string>;
  fields: QueryPlanFieldNode[];
}

/** A fragment, and after its own fields those of the fragments in it, which are for the objects that both are for. */
function fragmentsOf(
  selection: QueryPlanSelectionNode,
  graph: Graph,
  outer: ReadonlySet<string> | undefined,
): Fragment[] {
  if (selection.kind !== 'InlineFragment' || !selection.typeCondition)
    throw new NotCompilable('requires without a type');
  const own = graph.typenamesFor(selection.typeCondition);
  const typenames = outer ? new Set([...own].filter((name) => outer.has(name))) : own;
  const start = selection.selections.findIndex(({ kind }) => kind === 'InlineFragment');
  const [before, inner] =
    start === -1
      ? [selection.selections, []]
      : [selection.selections.slice(0, start), selection.selections.slice(start)];
  const fields = plainFields(before);
  if (fields.length > 0 && !fields.some((field) => nameOf(field) === '__typename'))
    throw new NotCompilable('requires without __typename');
  return [
    ...(fields.length > 0 ? [{ typenames, fields }] : []),
    ...inner.flatMap((each) => fragmentsOf(each, graph, typenames)),
  ];
}

/** @throws {NotCompilable} when there are fragments among them */
export function plainFields(selections: readonly QueryPlanSelectionNode[]): QueryPlanFieldNode[] {
  return selections.map((selection) => {
    if (selection.kind === 'Field') return selection;
    throw new NotCompilable('a fragment within a representation');
  });
}

export function nameOf({ alias, name }: QueryPlanFieldNode): string {
  return alias ?? name;
}

function merged(fields: readonly QueryPlanFieldNode[]): QueryPlanFieldNode[] {
  const byName = new Map<string, QueryPlanFieldNode>();
  for (const field of fields) {
    const known = byName.get(nameOf(field));
    if (known && JSON.stringify(known) !== JSON.stringify(field)) throw new NotCompilable('requires in conflict');
    byName.set(nameOf(field), field);
  }
  byName.delete('__typename');
  return [...byName.values()];
}

function rewritten(typename: string, { inputRewrites = [] }: FetchNode, graph: Graph): string | undefined {
  let name = typename;
  for (const rewrite of inputRewrites) {
    const [condition = '', field, ...rest] = rewrite.path;
    const isOfType = condition.startsWith('... on ') && field === '__typename' && rest.length === 0;
    if (rewrite.kind !== 'ValueSetter' || !isOfType) throw new NotCompilable('input rewrite');
    if (graph.typenamesFor(condition.slice('... on '.length)).has(name)) name = String(rewrite.setValueTo);
  }
  return name === typename ? undefined : name;
}
