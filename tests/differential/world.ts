import { type Random, randomFor } from '@souk/dev/seed/random';
import {
  type DocumentNode,
  type ExecutionResult,
  executeSync,
  type GraphQLFieldResolver,
  type GraphQLNamedOutputType,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  type SelectionSetNode,
} from 'graphql';
import type { EntityKeys } from './entity-keys.ts';
import type { Graph } from './graphs.ts';
import { scalarBy } from './scalar-by.ts';

/**
 * A world is what the subgraphs of a graph know: every field of every object has a value that depends on nothing but the world's seed, the object and the
 * arguments. So subgraphs agree with each other, the same request has the same answer at any time, and nothing has to be stored.
 */
export interface World {
  graph: Graph;
  seed: string;
  /** How many of a hundred nullable values are null. */
  nullPercent: number;
  /** How many of a hundred entities the subgraphs do not know, each its own. */
  unknownPercent: number;
  /** What texts are like. */
  texts: 'plain' | 'chinese' | 'awkward';
}

interface Thing {
  typename: string;
  /** Which one it is: of an entity its family and number, otherwise the way to it. */
  identity: string;
  /** Of an entity, and of what is part of its key. */
  number?: number;
  /** What the gateway told about it. */
  given?: Record<string, unknown>;
}

/** Answers a request as one of the subgraphs would that is well. */
export function answerIn(
  world: World,
  subgraph: string,
  { document, variables }: { document: DocumentNode; variables: Record<string, unknown> },
): ExecutionResult {
  const schema = world.graph.subgraphs.get(subgraph);
  if (!schema) throw new Error(`Expected a subgraph of ${world.graph.name}, got ${subgraph}.`);
  const make = makerFor(world, schema);

  const resolve: GraphQLFieldResolver<Thing | undefined, unknown> = (source, args, _context, info) => {
    const { fieldName, parentType, returnType } = info;
    if (fieldName === '_entities' && !source)
      return (args['representations'] as Record<string, unknown>[]).map((representation) =>
        entityBehind(world, schema, subgraph, representation),
      );
    const thing = source ?? { typename: parentType.name, identity: parentType.name };
    const { keys } = world.graph;
    if (thing.number !== undefined && keys.isKeyField(thing.typename, fieldName))
      return keyValue(world, returnType, thing.typename, fieldName, thing.number);
    const requirement = keys.requirement(subgraph, parentType.name, fieldName);
    const required = requirement && thing.given ? JSON.stringify(picked(thing.given, requirement)) : '';
    const identity = `${thing.identity}.${fieldName}(${JSON.stringify(args)})${required}`;
    return make(returnType, identity, randomFor(`${world.seed} ${identity}`));
  };
  return executeSync({
    schema,
    document,
    variableValues: variables,
    fieldResolver: resolve,
    typeResolver: (thing) => (thing as Thing).typename,
  });
}

/** Makes values of any type of a subgraph. */
function makerFor({ graph: { keys }, nullPercent, texts }: World, schema: GraphQLSchema) {
  return function make(type: GraphQLOutputType, identity: string, random: Random): unknown {
    if (!isNonNullType(type) && random.chance(nullPercent)) return null;
    const present = isNonNullType(type) ? type.ofType : type;
    if (isListType(present)) {
      const length = random.pick(listLengths);
      return Array.from({ length }, (_, index) => make(present.ofType, `${identity}[${index}]`, random));
    }
    // Whether it is null has been decided; JSON of any shape might be as well, where none may be.
    if (isScalarType(present)) return scalarBy(random, present.name, texts) ?? 'nothing';
    if (isEnumType(present)) return random.pick(present.getValues()).name;
    return thingOf(present, identity, random);
  };

  function thingOf(type: GraphQLNamedOutputType, identity: string, random: Random): Thing {
    const possible = isAbstractType(type) ? [...schema.getPossibleTypes(type)] : [type];
    // In a fixed order: subgraphs may list the types behind an abstract one differently.
    const typename = random.pick(possible.map(({ name }) => name).sort());
    const family = keys.familyOf(typename);
    const members = keys.membersOf(family);
    if (!members) return { typename, identity };
    const position = members.indexOf(typename);
    const round = random.integer(0, ENTITIES_OF_A_TYPE - 1);
    // An interface object may be any of them.
    const number =
      position === -1 ? random.integer(0, members.length * ENTITIES_OF_A_TYPE - 1) : round * members.length + position;
    return { typename, identity: `${family}#${number}`, number };
  }
}

/** Few enough that the same one is met several times in an answer. */
const ENTITIES_OF_A_TYPE = 6;
const listLengths = [0, 1, 1, 1, 2, 2, 2, 3, 3, 6];

function keyValue(
  { graph: { keys } }: World,
  type: GraphQLOutputType,
  owner: string,
  field: string,
  number: number,
): unknown {
  const present = isNonNullType(type) ? type.ofType : type;
  if (isScalarType(present)) {
    if (present.name === 'Int' || present.name === 'Float') return number;
    if (present.name === 'Boolean') return number % 2 === 0;
    return `${keys.familyOf(owner)}-${field}-${number}`;
  }
  if (isEnumType(present)) return present.getValues()[number % present.getValues().length]?.name;
  if (!(present instanceof GraphQLObjectType)) throw new Error(`Expected keys of objects and leaves, got ${present}.`);
  return { typename: present.name, identity: `${keys.familyOf(present.name)}#${number}`, number } satisfies Thing;
}

/** Finds the entity that a representation stands for; null when there is none, or not in this subgraph. */
function entityBehind(
  { graph: { keys }, seed, unknownPercent }: World,
  schema: GraphQLSchema,
  subgraph: string,
  representation: Record<string, unknown>,
): Thing | null {
  const { __typename: type } = representation;
  if (typeof type !== 'string') return null;
  const number = numberIn(keys, type, representation);
  if (number === undefined) return null;
  const family = keys.familyOf(type);
  const members = keys.membersOf(family) ?? [];
  if (randomFor(`${seed} ${subgraph} ${family} ${number}`).chance(unknownPercent)) return null;
  const typename = isObjectType(schema.getType(type)) ? type : members[number % members.length];
  if (!typename || !isObjectType(schema.getType(typename))) return null;
  return { typename, identity: `${family}#${number}`, number, given: representation };
}

/** The number that the keys in a representation are made from. */
function numberIn(keys: EntityKeys, type: string, fields: object): number | undefined {
  for (const [name, value] of Object.entries(fields)) {
    if (!keys.isKeyField(type, name)) continue;
    if (typeof value === 'object' && value !== null) {
      // Objects within a key have the number of the whole.
      const inside = Object.values(value)
        .map(numberOf)
        .find((number) => number !== undefined);
      if (inside !== undefined) return inside;
    }
    const number = numberOf(value);
    if (number !== undefined) return number;
  }
  return undefined;
}

function numberOf(value: unknown): number | undefined {
  const digits = typeof value === 'string' ? /^\w+-\w+-(\d+)$/.exec(value)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}

/** What of a representation a field depends on; keys are left to the identity. */
function picked(given: unknown, { selections }: SelectionSetNode): unknown {
  if (Array.isArray(given)) return given.map((item) => picked(item, { kind: Kind.SELECTION_SET, selections }));
  if (typeof given !== 'object' || given === null) return given;
  return selections.flatMap((selection) => {
    if (selection.kind !== Kind.FIELD) return [];
    const name = selection.alias?.value ?? selection.name.value;
    const value = (given as Record<string, unknown>)[name];
    return [[name, selection.selectionSet ? picked(value, selection.selectionSet) : value]];
  });
}
