import { idPrefixes } from '@souk/platform/id-prefixes';
import { type Graph, implementsNode } from './graph.ts';

/** `node(id:)` knows a type by the prefix of its ids and finds it through a stub in the subgraph that answers `node`. */
export function nodeRule({ subgraphs, owners }: Graph): string[] {
  const host = subgraphs.find(({ objects }) =>
    objects.some(({ name, fields }) => name.value === 'Query' && fields?.some((field) => field.name.value === 'node')),
  );
  const nodes = new Set(
    subgraphs.flatMap(({ objects }) => objects.filter(implementsNode).map(({ name }) => name.value)),
  );
  const inHost = new Set(host?.objects.filter(implementsNode).map(({ name }) => name.value));

  return [...nodes].flatMap((name) => [
    ...(name in idPrefixes
      ? []
      : [`${name} implements Node, so platform/src/id-prefixes.ts must give its ids a prefix.`]),
    ...(inHost.has(name)
      ? []
      : [`${name} implements Node, so the subgraph that answers node(id:) must have a stub of it.`]),
    ...(owners.has(name) ? [] : [`${name} implements Node, but no subgraph can resolve it.`]),
  ]);
}
