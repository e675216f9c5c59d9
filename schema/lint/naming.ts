import type { FieldDefinitionNode, InputValueDefinitionNode } from 'graphql';
import {
  argument,
  directive,
  type Graph,
  isForServices,
  isNonNull,
  isRoot,
  namedType,
  type Place,
  type Subgraph,
} from './graph.ts';

/** Names tell what to expect: the case of their kind, `is/has/can` for yes or no, `…At` for instants, `…Id` for ids, Relay's words for pages. */
export function namingRule({ subgraphs, places }: Graph): string[] {
  return [
    ...subgraphs.flatMap(caseFindings),
    ...places.flatMap(nameFindings),
    ...subgraphs.flatMap(connectionFindings),
    ...places.flatMap(deprecationFindings),
  ];
}

const PASCAL = /^[A-Z][A-Za-z0-9]*$/;
const CAMEL = /^[a-z][A-Za-z0-9]*$/;
const SCREAMING = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

function caseFindings({ name: subgraph, objects, interfaces, inputs, enums }: Subgraph): string[] {
  const types = [...objects, ...interfaces, ...inputs, ...enums].map(({ name }) => name.value);
  const fields = [...objects, ...interfaces, ...inputs].flatMap(({ name, fields }) =>
    (fields ?? []).flatMap((field: FieldDefinitionNode | InputValueDefinitionNode) => [
      { at: `${name.value}.${field.name.value}`, name: field.name.value },
      ...argumentsOf(field).map((given) => ({
        at: `${name.value}.${field.name.value}(${given.name.value}:)`,
        name: given.name.value,
      })),
    ]),
  );
  const values = enums.flatMap(({ name, values }) =>
    (values ?? []).map((value) => ({ at: `${name.value}.${value.name.value}`, name: value.name.value })),
  );
  return [
    ...types.filter((name) => !PASCAL.test(name)).map((name) => `${subgraph}: ${name} must be in PascalCase.`),
    ...fields.filter(({ name }) => !CAMEL.test(name)).map(({ at }) => `${subgraph}: ${at} must be in camelCase.`),
    ...values
      .filter(({ name }) => !SCREAMING.test(name))
      .map(({ at }) => `${subgraph}: ${at} must be in SCREAMING_SNAKE_CASE.`),
  ];
}

function argumentsOf(field: FieldDefinitionNode | InputValueDefinitionNode): readonly InputValueDefinitionNode[] {
  return 'arguments' in field ? (field.arguments ?? []) : [];
}

function nameFindings({ type, field, at }: Place): string[] {
  const name = field.name.value;
  // A root field is a question or a command, and a payload's yes or no answers a command: neither is the quality of a thing.
  const isQuality = !isRoot(type) && !type.name.value.endsWith('Payload');
  switch (namedType(field.type)) {
    case 'Boolean':
      return isQuality && !/^(is|has|can)[A-Z]/.test(name)
        ? [`${at} is yes or no, so its name begins with is, has or can.`]
        : [];
    case 'DateTime':
      return name.endsWith('At') ? [] : [`${at} is an instant, so its name ends in At.`];
    case 'ID':
      return name === 'id' || /Ids?$/.test(name) ? [] : [`${at} is an id, so its name is id or ends in Id or Ids.`];
    default:
      return [];
  }
}

const connectionFields = ['edges', 'nodes', 'pageInfo', 'totalCount'];

function connectionFindings({ name: subgraph, objects }: Subgraph): string[] {
  return objects.flatMap(({ name, fields = [] }) => {
    const has = (field: string) => fields.some((found) => found.name.value === field && isNonNull(found.type));
    const wanted = name.value.endsWith('Connection')
      ? connectionFields
      : name.value.endsWith('Edge')
        ? ['cursor', 'node']
        : [];
    return wanted
      .filter((field) => !has(field))
      .map((field) => `${subgraph}: ${name.value} must have ${field}, never null, as Relay's rules say.`);
  });
}

function deprecationFindings(place: Place): string[] {
  const deprecated = directive(place.field, 'deprecated');
  if (!deprecated || isForServices(place)) return [];
  return /^Use .+\. Removal not before \d{4}-\d\d-\d\d\.$/.test(String(argument(deprecated, 'reason')))
    ? []
    : [`${place.at} must say "Use X. Removal not before YYYY-MM-DD." when deprecated.`];
}
