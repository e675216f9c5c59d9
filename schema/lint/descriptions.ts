import type { ASTNode, StringValueNode } from 'graphql';
import { type Graph, isBorrowed, isEntity, type Subgraph } from './graph.ts';

/**
 * A client developer reads the schema in an explorer: every type, field, argument, input field, enum value and directive has a sentence
 * there that says more than its name. A foreign entity and its key are described by their owner.
 */
export function descriptionRule(graph: Graph): string[] {
  return graph.subgraphs.flatMap((subgraph) =>
    coordinatesOf(subgraph, graph).flatMap(({ at, name, description }) => {
      const text = description?.value.trim();
      if (!text) return [`${subgraph.name}: ${at} has no description.`];
      if (!/[.!?]$/.test(text))
        return [`${subgraph.name}: the description of ${at} is no sentence: it has no full stop.`];
      return saysMoreThan(name, text) ? [] : [`${subgraph.name}: the description of ${at} only repeats its name.`];
    }),
  );
}

interface Described {
  at: string;
  name: string;
  description: StringValueNode | undefined;
}

function coordinatesOf(subgraph: Subgraph, graph: Graph): Described[] {
  return subgraph.document.definitions.flatMap((definition) =>
    !('name' in definition) || !definition.name ? [] : describe(definition as Named, '', subgraph, graph),
  );
}

type Named = Extract<ASTNode, { name: { value: string } }> & { description?: StringValueNode };

function describe(node: Named, parent: string, subgraph: Subgraph, graph: Graph): Described[] {
  const name = node.name.value;
  const at = parent ? `${parent}.${name}` : name;
  const members = (['fields', 'arguments', 'values'] as const).flatMap(
    (key) => ((node as Partial<Record<typeof key, readonly Named[]>>)[key] ?? []) as readonly Named[],
  );
  const own = isDescribedByOwner(at, subgraph, graph) ? [] : [{ at, name, description: node.description }];
  return [...own, ...members.flatMap((member) => describe(member, at, subgraph, graph))];
}

function isDescribedByOwner(at: string, subgraph: Subgraph, { owners, places }: Graph): boolean {
  const [typeName = ''] = at.split('.');
  const type = subgraph.objects.find(({ name }) => name.value === typeName);
  if (!type || !isEntity(type) || owners.get(typeName) === subgraph.name) return false;
  const place = places.find((candidate) => candidate.at === `${subgraph.name}: ${at}`);
  return at === typeName || (place !== undefined && isBorrowed(place));
}

function saysMoreThan(name: string, text: string): boolean {
  const words = new Set(wordsOf(name.replace(/([a-z0-9])([A-Z])/g, '$1 $2')));
  return wordsOf(text).some((word) => !words.has(word));
}

function wordsOf(text: string): string[] {
  const fillers = ['a', 'an', 'the', 'of', 'this', 'its', 'is'];
  return (text.toLowerCase().match(/[a-z0-9]+/g) ?? []).filter((word) => !fillers.includes(word));
}
