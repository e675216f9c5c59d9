import type { Graph } from '../graph.ts';
import { attachedSources, type Position, providersOf, type Source } from '../positions.ts';
import type { ShapeVariant } from '../shape.ts';

/**
 * Finds the source whose entities decide the whole text of the objects at a position: two objects with the same entity are then written alike. That is so when
 * the other sources attached there were asked with the same representation, and nothing else is read but what the representation says.
 */
export function leadingSource(position: Position, variants: readonly ShapeVariant[], graph: Graph): Source | undefined {
  const attached = attachedSources(position);
  const [leader] = attached;
  if (!leader) return undefined;
  const { requires = [] } = leader.fetch.node;
  const question = JSON.stringify(requires);
  const isAskedAlike = ({ fetch: { node } }: Source) =>
    JSON.stringify(node.requires) === question && !node.inputRewrites?.length;
  if (!attached.every(isAskedAlike)) return undefined;
  const said = namesSaid(requires);
  const isDecided = variants.every(({ types, fields }) =>
    fields.every(({ kind, name }) => {
      const isFromBase = providersOf(position, name, graph, types[0]).some((source) => source.kind === 'base');
      return !isFromBase || (kind !== 'object' && said.has(name));
    }),
  );
  return isDecided ? leader : undefined;
}

/** The plain fields of a representation, whatever type it is of. */
function namesSaid(requires: NonNullable<Source['fetch']['node']['requires']>): ReadonlySet<string> {
  const perFragment = requires.map((fragment) =>
    fragment.kind === 'InlineFragment'
      ? fragment.selections.flatMap((field) =>
          field.kind === 'Field' && !field.selections ? [field.alias ?? field.name] : [],
        )
      : [],
  );
  const [first = [], ...others] = perFragment;
  return new Set(first.filter((name) => others.every((names) => names.includes(name))));
}
