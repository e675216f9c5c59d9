import { readFileSync } from 'node:fs';
import { readSubgraphSdl, type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import {
  buildASTSchema,
  buildSchema,
  type ConstDirectiveNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  parse,
  valueFromASTUntyped,
} from 'graphql';
import type { Victim } from './scene.ts';

/** Which entities there are that not everybody may read, read from the schema, and how to ask for all that is in them. */

/** An entity in a subgraph, under one of its keys. */
export interface OwnedEntity {
  subgraph: SubgraphName;
  type: GraphQLObjectType;
  /** Names of the fields that make up the key. */
  key: readonly string[];
  /** Whether the subgraph answers for it; otherwise it only names it. */
  isResolvable: boolean;
}

/** What names the victim's one of each type, by the fields of its keys. */
const victims: Record<string, (victim: Victim) => Record<string, string>> = {
  User: ({ userId: id }) => ({ id }),
  Address: ({ addressId: id }) => ({ id }),
  Session: ({ sessionId: id }) => ({ id }),
  Cart: ({ cartId: id }) => ({ id }),
  CartLine: ({ cartLineId: id }) => ({ id }),
  Order: ({ orderId: id, orderNumber: number }) => ({ id, number }),
  OrderLine: ({ orderLineId: id }) => ({ id }),
  Payment: ({ paymentId: id }) => ({ id }),
  Refund: ({ refundId: id }) => ({ id }),
};

/** @throws when the table of victims does not know such a key: whoever adds an entity says there which one is to be asked for */
export function representationOf({ type: { name }, key }: OwnedEntity, victim: Victim): Record<string, string> {
  const known = victims[name]?.(victim) ?? {};
  const representation: Record<string, string> = { __typename: name };
  for (const field of key) {
    const value = known[field];
    if (!value) throw new Error(`Expected a victim of type ${name} with its ${field}, found none in entities.ts.`);
    representation[field] = value;
  }
  return representation;
}

/** Every entity of every subgraph that is not @public, once for each of its keys. */
export const ownedEntities: readonly OwnedEntity[] = subgraphNames.flatMap((subgraph) =>
  objectTypes(buildASTSchema(parse(readSubgraphSdl(subgraph)), { assumeValidSDL: true })).flatMap((type) =>
    directivesOf(type, 'public').length > 0
      ? []
      : directivesOf(type, 'key').map((directive) => {
          const { fields, resolvable = true } = argumentsOf(directive) as { fields: string; resolvable?: boolean };
          return { subgraph, type, key: fields.split(' '), isResolvable: resolvable };
        }),
  ),
);

/** The API that shows most. */
const api = buildSchema(readFileSync(new URL('../../schema/api/admin.graphql', import.meta.url), 'utf8'));
const ownedNames = new Set(ownedEntities.map(({ type }) => type.name));

/** The same entities where clients read them again by their id. */
export const ownedNodes: readonly GraphQLObjectType[] = objectTypes(api).filter(
  (type) => ownedNames.has(type.name) && type.getInterfaces().some(({ name }) => name === 'Node'),
);

/** Each root field of queries from which a way leads to such an entity, but for those that lead to anything. */
export const waysToOwned: readonly GraphQLField<unknown, unknown>[] = Object.values(
  api.getQueryType()?.getFields() ?? {},
).filter(({ type }) => leadsToOwned(getNamedType(type)));

/** Asks for each field of a type by itself, so that none is null because of another. A key is known to whoever asks. */
export function eachField(type: GraphQLObjectType, key: readonly string[]): string[] {
  return Object.values(type.getFields())
    .filter((field) => isAskable(field) && !key.includes(field.name) && directivesOf(field, 'external').length === 0)
    .map((field) => asked(field, near(getNamedType(field.type))));
}

/** Asks for all values of a type, and for those of every owned entity that it leads to. */
export function everythingOwned(type: GraphQLNamedType, above: readonly string[] = []): string {
  if (!isObjectType(type)) return near(type);
  const around = [...above, type.name];
  const further = askableFields(type).filter((field) => {
    const next = getNamedType(field.type);
    // A page shows the same items twice.
    return field.name !== 'edges' && !around.includes(next.name) && leadsToOwned(next, around);
  });
  const selections = further.map((field) => asked(field, everythingOwned(getNamedType(field.type), around)));
  return `{ __typename ${[...leaves(type), ...selections].join(' ')} }`;
}

/** The values of a type, or of the items of a page. */
function near(type: GraphQLNamedType): string {
  if (isLeafType(type)) return '';
  if (!isObjectType(type)) return '{ __typename }';
  const { nodes } = type.getFields();
  if (nodes) return `{ nodes ${near(getNamedType(nodes.type))} }`;
  return `{ __typename ${leaves(type).join(' ')} }`;
}

function leaves(type: GraphQLObjectType): string[] {
  return askableFields(type).flatMap(({ name, type }) => (isLeafType(getNamedType(type)) ? name : []));
}

function asked({ name, args }: GraphQLField<unknown, unknown>, selection: string): string {
  const page = args.some((argument) => argument.name === 'first') ? '(first: 1)' : '';
  return `${name}${page} ${selection}`;
}

function askableFields(type: GraphQLObjectType) {
  return Object.values(type.getFields()).filter(isAskable);
}

function isAskable({ args }: GraphQLField<unknown, unknown>): boolean {
  return !args.some(isRequiredArgument);
}

function leadsToOwned(type: GraphQLNamedType, above: readonly string[] = []): boolean {
  if (isInterfaceType(type) || !isObjectType(type)) return false;
  if (ownedNames.has(type.name)) return true;
  const around = [...above, type.name];
  return askableFields(type).some(({ type }) => {
    const next = getNamedType(type);
    return !around.includes(next.name) && leadsToOwned(next, around);
  });
}

function objectTypes(schema: GraphQLSchema): GraphQLObjectType[] {
  return Object.values(schema.getTypeMap()).filter(isObjectType);
}

function directivesOf({ astNode }: GraphQLObjectType | GraphQLField<unknown, unknown>, name: string) {
  return (astNode?.directives ?? []).filter((directive) => directive.name.value === name);
}

function argumentsOf({ arguments: given = [] }: ConstDirectiveNode): Record<string, unknown> {
  return Object.fromEntries(given.map(({ name, value }) => [name.value, valueFromASTUntyped(value)]));
}
