import type { Random } from '@souk/dev/seed/random';
import {
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isObjectType,
  OperationTypeNode,
  parse,
  print,
} from 'graphql';
import { createArguments } from './arguments.ts';
import type { Graph } from './graphs.ts';
import { withoutFaults } from './valid.ts';

/** An operation as a client sends it. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  operationName?: string;
}

/** Makes a valid operation by chance: anything that a client of this graph may ask for, often what nobody would. */
export function operationBy(random: Random, graph: Graph): Operation {
  const { apiSchema: schema } = graph;
  const kind = schema.getMutationType() && random.chance(15) ? OperationTypeNode.MUTATION : OperationTypeNode.QUERY;
  const root = schema.getRootType(kind);
  if (!root) throw new Error('Expected a schema with queries.');
  const writer = createWriter(random, graph);
  const selection = writer.rootSelection(root);

  const operationName = random.chance(70) ? random.pick(['Q', 'products', 'Book__works__0']) : '';
  const definitions = [
    `${kind} ${operationName}${writer.variables.definitions()} { ${selection} }`,
    ...writer.fragments(),
    ...(operationName && random.chance(10) ? ['query Another { __typename }'] : []),
  ];
  const document = withoutFaults(schema, parse(definitions.join('\n'), { noLocation: true }));
  return {
    query: print(document),
    variables: writer.variables.values(),
    ...(operationName ? { operationName } : {}),
  };
}

/** What the gateway answers itself. */
const introspections = [
  '__schema { queryType { name } }',
  'schema: __schema { mutationType { name kind fields(includeDeprecated: true) { name } } directives { name locations } }',
  '__type(name: "Query") { kind name }',
  'nothing: __type(name: "NoSuchType") { name }',
  '__schema { __typename types { __typename name } }',
];

function createWriter(random: Random, { apiSchema: schema, subgraphsWith, keys }: Graph) {
  const variables = createArguments(random);
  const aliases = random.chance(8) ? [...ordinaryAliases, ...awkwardAliases] : ordinaryAliases;
  const fragments: { name: string; on: GraphQLCompositeType; text: string }[] = [];
  /** How many fields may still be written: most operations are small, and some are not. */
  let left = random.pick([3, 6, 10, 15, 15, 25, 25, 40, 60, 90]);

  function rootSelection(root: GraphQLObjectType): string {
    const fields = selectionOf(root, [], 0);
    const isQuery = root === schema.getQueryType();
    return isQuery && random.chance(4) ? `${fields} ${random.pick(introspections)}` : fields;
  }

  /** @param here the subgraphs that the object comes from */
  function selectionOf(type: GraphQLCompositeType, here: readonly string[], depth: number): string {
    const count = depth === 0 ? random.integer(1, 3) : random.integer(1, 5);
    return Array.from({ length: count }, () => elementOf(type, here, depth)).join(' ');
  }

  function elementOf(type: GraphQLCompositeType, here: readonly string[], depth: number): string {
    if (random.chance(6)) return `${aliasBy(5)}__typename${conditionBy()}`;
    const isAbstract = isAbstractType(type);
    if (random.chance(isAbstract ? 45 : 8)) return inlineFragment(type, here, depth);
    if (random.chance(isAbstract ? 15 : 8)) return fragmentSpread(type, here, depth);
    const field = fieldOf(type, here, depth);
    return field ? fieldText(type, field, depth) : `${aliasBy(5)}__typename`;
  }

  /** Rather one that leads to other subgraphs or to entities: there is where gateways have something to do. */
  function fieldOf(type: GraphQLCompositeType, here: readonly string[], depth: number): Field | undefined {
    const fields = 'getFields' in type ? Object.values(type.getFields()) : [];
    const isIn = (field: Field) => subgraphsWith(type.name, field.name).some((name) => here.includes(name));
    const leaves = fields.filter((field) => !isInside(field));
    if (left <= 0 || depth >= MAX_DEPTH) return leaves.length > 0 ? random.pick(leaves) : undefined;
    const kinds = [
      { fields: here.length === 0 ? [] : fields.filter((field) => !isIn(field)), weight: 4 },
      { fields: fields.filter((field) => keys.membersOf(keys.familyOf(getNamedType(field.type).name))), weight: 3 },
      { fields: fields.filter(isInside), weight: depth < 5 ? 3 : 1 },
      { fields: leaves, weight: depth === 0 ? 1 : 3 },
    ].filter((kind) => kind.fields.length > 0);
    const drawn = kinds.flatMap((kind) => Array.from({ length: kind.weight }, () => kind));
    return drawn.length > 0 ? random.pick(random.pick(drawn).fields) : undefined;
  }

  function fieldText(parent: GraphQLCompositeType, field: Field, depth: number): string {
    left--;
    const type = getNamedType(field.type);
    const inside = isCompositeType(type)
      ? ` { ${selectionOf(type, subgraphsWith(parent.name, field.name), depth + 1)} }`
      : '';
    return `${aliasBy(20)}${field.name}${variables.argumentsFor(field.args)}${conditionBy()}${inside}`;
  }

  function inlineFragment(type: GraphQLCompositeType, here: readonly string[], depth: number): string {
    const on = random.chance(10) ? undefined : conditionOn(type);
    return `...${on ? ` on ${on.name}` : ''}${conditionBy()} { ${selectionOf(on ?? type, here, depth)} }`;
  }

  function fragmentSpread(type: GraphQLCompositeType, here: readonly string[], depth: number): string {
    const usable = fragments.filter(({ on }) => on === type || overlap(on, type));
    if (usable.length > 0 && random.chance(60)) return `...${random.pick(usable).name}${conditionBy()}`;
    const on = conditionOn(type);
    const text = selectionOf(on, here, depth);
    const name = `F${fragments.length}`;
    fragments.push({ name, on, text });
    return `...${name}${conditionBy()}`;
  }

  /** A type that an object of this one may be of as well: itself, what is behind it, or what else stands for the same. */
  function conditionOn(type: GraphQLCompositeType): GraphQLCompositeType {
    const behind = isAbstractType(type) ? schema.getPossibleTypes(type) : [];
    if (behind.length > 0 && random.chance(70)) return random.pick(behind);
    const others = Object.values(schema.getTypeMap()).filter(
      (other): other is GraphQLCompositeType => isAbstractType(other) && overlap(other, type),
    );
    return random.pick([type, type, type, ...others]);
  }

  function overlap(one: GraphQLCompositeType, other: GraphQLCompositeType): boolean {
    const types = objectTypesOf(one);
    return objectTypesOf(other).some((type) => types.includes(type));
  }

  function objectTypesOf(type: GraphQLCompositeType): readonly GraphQLObjectType[] {
    return isObjectType(type) ? [type] : schema.getPossibleTypes(type);
  }

  const aliasBy = (percent: number) => (random.chance(percent) ? `${random.pick(aliases)}: ` : '');
  function conditionBy(): string {
    if (!random.chance(7)) return '';
    const one = ` @${random.pick(['skip', 'include'])}(if: ${variables.condition()})`;
    const both = ` @include(if: ${variables.condition()}) @skip(if: ${variables.condition()})`;
    return random.chance(15) ? both : one;
  }

  return {
    rootSelection,
    variables,
    fragments: () => fragments.map(({ name, on, text }) => `fragment ${name} on ${on.name} { ${text} }`),
  };
}

const MAX_DEPTH = 7;
/**
 * Few, so that they meet each other and the fields that have such names. None is the name of a key: the stock gateway asks for keys by their names, and takes
 * what has such an alias for one.
 */
const ordinaryAliases = ['a', 'b', 'x0', 'title', 'text', 'tags'];
/** What objects have by nature, and what federation itself asks for. */
const awkwardAliases = ['toString', '__proto__', 'constructor', '_entities'];

type Field = GraphQLField<unknown, unknown>;

const isInside = (field: Field) => isCompositeType(getNamedType(field.type));
