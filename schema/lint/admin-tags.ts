import { directive, type Graph, isAdmin, namedType, type Subgraph } from './graph.ts';

/** What needs a scope is for staff, so the storefront's contract shows neither it nor the input types made for it. */
export function adminTagRule({ subgraphs, places }: Graph): string[] {
  const scoped = places.filter(
    ({ field, type }) => directive(field, 'requiresScopes') ?? directive(type, 'requiresScopes'),
  );
  const untagged = scoped
    .filter(({ field, type }) => !isAdmin(field) && !isAdmin(type))
    .map(({ at }) => `${at} needs a scope, so it must be tagged admin.`);

  const inputs = scoped.flatMap(({ subgraph, field }) =>
    (field.arguments ?? []).flatMap(({ type }) =>
      reachableInputs(subgraph, namedType(type)).map((name) => ({ subgraph, name })),
    ),
  );
  const untaggedInputs = inputs
    .filter(({ subgraph, name }) => subgraph.inputs.some((input) => input.name.value === name && !isAdmin(input)))
    .map(
      ({ subgraph, name }) =>
        `${subgraph.name}: ${name} is the input of a field that needs a scope, so it must be tagged admin.`,
    );

  return [...untagged, ...new Set(untaggedInputs), ...subgraphs.flatMap(tagsOnServiceTypes)];
}

function reachableInputs(subgraph: Subgraph, name: string, seen = new Set<string>()): string[] {
  const input = subgraph.inputs.find((candidate) => candidate.name.value === name);
  if (!input || seen.has(name)) return [...seen];
  seen.add(name);
  for (const { type } of input.fields ?? []) reachableInputs(subgraph, namedType(type), seen);
  return [...seen];
}

/** A tag would suggest that staff can see what only services can. */
function tagsOnServiceTypes({ name, objects, inputs }: Subgraph): string[] {
  return [...objects, ...inputs]
    .filter((type) => isAdmin(type) && directive(type, 'inaccessible'))
    .map((type) => `${name}: ${type.name.value} is for services only, so a tag says nothing.`);
}
