import type { TypeNode } from 'graphql';
import { directive, type Graph, isBorrowed, isForServices, isNonNull, isRoot, namedType, type Place } from './graph.ts';

/**
 * One subgraph that is down, or one field the viewer may not see, costs that field and not what surrounds it. So a field can be null when
 * it is at the root, guarded, contributed to a foreign entity, or leads to one.
 */
export function nullabilityRule(graph: Graph): string[] {
  return graph.places.filter((place) => !isForServices(place)).flatMap((place) => findingsAt(place, graph));
}

function findingsAt(place: Place, graph: Graph): string[] {
  const { field, at } = place;
  const reason = whyNullable(place, graph);
  if (reason && isNonNull(field.type)) return [`${at} must be nullable: it ${reason}.`];
  if (leadsAway(place, graph) && hasNonNull(field.type)) {
    return [`${at} must have nullable items: it leads to an entity of another subgraph.`];
  }
  return [];
}

function whyNullable(place: Place, graph: Graph): string | undefined {
  const { subgraph, type, field } = place;
  if (isRoot(type)) return 'is at the root, beside fields of other subgraphs';
  if (isGuarded(field)) return 'is guarded';
  const returned = subgraph.objects.find(({ name }) => name.value === namedType(field.type));
  if (returned && isGuarded(returned)) return 'returns a guarded type';
  const isForeign = graph.entities.has(type.name.value) && graph.owners.get(type.name.value) !== subgraph.name;
  if (isForeign && !isBorrowed(place)) return 'is contributed to an entity of another subgraph';
  if (leadsAway(place, graph)) return 'leads to an entity of another subgraph';
  return undefined;
}

function isGuarded(node: Parameters<typeof directive>[0]): boolean {
  return directive(node, 'authenticated') !== undefined || directive(node, 'requiresScopes') !== undefined;
}

/** Node is among them: most of what implements it lives elsewhere. */
function leadsAway({ subgraph, field }: Place, { entities, owners }: Graph): boolean {
  const name = namedType(field.type);
  return name === 'Node' || (entities.has(name) && owners.get(name) !== subgraph.name);
}

function hasNonNull(type: TypeNode): boolean {
  return isNonNull(type) || ('type' in type && hasNonNull(type.type));
}
