import type { FieldDefinitionNode, InputValueDefinitionNode } from 'graphql';
import { argument, directive, type Graph, isForServices, isList, namedType, type Place } from './graph.ts';

/**
 * No list is unbounded. A field that returns a connection or a list of entities tells the cost estimate its size with @listSize; a list that is
 * no page says in its description how long it can be. That goes for input too.
 */
export function listRule(graph: Graph): string[] {
  return [...graph.places.flatMap((place) => outputFindings(place, graph)), ...graph.subgraphs.flatMap(inputFindings)];
}

/** Lists that need no number, each with the reason. */
const boundedByNature = [
  { type: /Connection$/, field: 'edges', because: 'a page is limited by the arguments of the field that leads to it' },
  { type: /Connection$/, field: 'nodes', because: 'it is the same page as edges' },
  { type: /Payload$/, field: 'userErrors', because: 'one input has only so many faults, and input is bounded' },
  { type: /UserError$/, field: 'field', because: 'the path of an input value is as deep as the input' },
];

function outputFindings(place: Place, { entities }: Graph): string[] {
  const { field, at } = place;
  const returned = namedType(field.type);
  const listSize = directive(field, 'listSize');
  const slicing = argument(listSize, 'slicingArguments') as string[] | undefined;
  const findings = (field.arguments ?? [])
    .filter((given) => isList(given.type) && !statesBound(given))
    .map(({ name }) => `${at}(${name.value}:) must say "At most …" in its description.`);

  if (returned.endsWith('Connection')) {
    if (!slicing?.includes('first')) findings.push(`${at} must be sliced by first, and say so with @listSize.`);
  } else if (isList(field.type) && !isBoundedByNature(place)) {
    if (!slicing && !statesBound(field))
      findings.push(`${at} must be a connection, or say "At most …" in its description.`);
    if (!listSize && entities.has(returned) && !isForServices(place))
      findings.push(`${at} lists entities, so it needs @listSize.`);
  }
  return findings;
}

function inputFindings({ name, inputs }: Graph['subgraphs'][number]): string[] {
  return inputs.flatMap((input) =>
    (input.fields ?? [])
      .filter((field) => isList(field.type) && !statesBound(field))
      .map((field) => `${name}: ${input.name.value}.${field.name.value} must say "At most …" in its description.`),
  );
}

function isBoundedByNature({ type, field }: Place): boolean {
  return boundedByNature.some((list) => list.type.test(type.name.value) && list.field === field.name.value);
}

function statesBound(node: FieldDefinitionNode | InputValueDefinitionNode): boolean {
  return /\bat most (\d|one\b)/i.test(node.description?.value ?? '');
}
