import { guardsOf } from '@souk/platform/access';
import { directive, type Graph } from './graph.ts';

/**
 * Every root field, and every field of an entity, says who may: @authenticated, @requiresScopes, @inaccessible, @public or @owned, on itself
 * or on its type. What says nothing is denied when the subgraph runs; here it is found before.
 */
export function accessRule(graph: Graph): string[] {
  return [...undeclared(graph), ...contradictory(graph)];
}

function undeclared({ subgraphs }: Graph): string[] {
  return subgraphs.flatMap(({ name, document }) =>
    [...guardsOf(document)]
      .filter(([, guard]) => guard.kind === 'undeclared')
      .map(([coordinate]) => `${name}: ${coordinate} must be guarded, or declared @public or @owned.`),
  );
}

function contradictory({ subgraphs, places }: Graph): string[] {
  const types = subgraphs.flatMap(({ name, objects }) =>
    objects.map((node) => ({ at: `${name}: ${node.name.value}`, node })),
  );
  return [...types, ...places.map(({ at, field }) => ({ at, node: field }))]
    .map(({ at, node }) => ({ at, said: answers.filter((answer) => directive(node, answer)) }))
    .filter(({ said }) => said.length > 1)
    .map(
      ({ at, said }) => `${at} says more than one thing about who may: ${said.map((name) => `@${name}`).join(', ')}.`,
    );
}

const answers = ['public', 'owned', 'authenticated', 'requiresScopes', 'inaccessible'];
