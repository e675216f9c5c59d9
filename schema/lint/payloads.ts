import type { FieldDefinitionNode } from 'graphql';
import { type Graph, isForServices, isList, isNonNull, namedType, type Place, type Subgraph } from './graph.ts';

/**
 * All mutations are called and answer alike: `nounVerb(input: NounVerbInput!): NounVerbPayload`, in which things can be null, and userErrors
 * cannot. Where money or stock moves, a repeated call is recognised by its key.
 */
export function payloadRule({ subgraphs, places }: Graph): string[] {
  const mutations = places.filter((place) => place.type.name.value === 'Mutation' && !isForServices(place));
  return [
    ...mutations.flatMap(mutationFindings),
    ...subgraphs.flatMap(payloadFindings),
    ...subgraphs.flatMap(userErrorFindings),
    ...subgraphs.flatMap(keyFindings),
  ];
}

/** Mutations that answer with the payload of another one, because they do the same by a shorter way. */
const sharedPayloads: Record<string, string> = { addressSetDefault: 'AddressUpdatePayload' };

function mutationFindings({ subgraph, field, at }: Place): string[] {
  const name = field.name.value;
  const payload = sharedPayloads[name] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}Payload`;
  const inputs = (field.arguments ?? []).filter(({ type }) => isInput(subgraph, namedType(type)));
  return [
    ...(namedType(field.type) === payload ? [] : [`${at} must return ${payload}.`]),
    ...(inputs.length === 0 || isSoleInput(field)
      ? []
      : [`${at} must take its values as one argument, input, never null.`]),
  ];
}

function isInput({ inputs }: Subgraph, name: string): boolean {
  return inputs.some((input) => input.name.value === name);
}

function isSoleInput({ arguments: given = [] }: FieldDefinitionNode): boolean {
  const [only] = given;
  return given.length === 1 && only?.name.value === 'input' && isNonNull(only.type);
}

function payloadFindings({ name: subgraph, objects }: Subgraph): string[] {
  return objects
    .filter(({ name }) => name.value.endsWith('Payload'))
    .flatMap(({ name, fields = [] }) => {
      const errors = fields.find((field) => field.name.value === 'userErrors');
      const things = fields.filter(
        ({ type }) =>
          !isList(type) && isNonNull(type) && objects.some((object) => object.name.value === namedType(type)),
      );
      return [
        ...(errors && isListOfUserErrors(errors)
          ? []
          : [`${subgraph}: ${name.value} must have userErrors: [XUserError!]!.`]),
        ...things.map(
          (field) =>
            `${subgraph}: ${name.value}.${field.name.value} must be nullable: a refusal has nothing to return.`,
        ),
      ];
    });
}

function isListOfUserErrors({ type }: FieldDefinitionNode): boolean {
  return isNonNull(type) && isList(type) && namedType(type).endsWith('UserError');
}

function userErrorFindings({ name: subgraph, objects, enums }: Subgraph): string[] {
  return objects
    .filter(({ name }) => name.value.endsWith('UserError'))
    .flatMap(({ name, fields = [], interfaces = [] }) => {
      const code = fields.find((field) => field.name.value === 'code');
      const hasEnum = enums.some((found) => code && found.name.value === namedType(code.type));
      return [
        ...(interfaces.some((found) => found.name.value === 'UserError')
          ? []
          : [`${subgraph}: ${name.value} must implement UserError.`]),
        ...(hasEnum && code && isNonNull(code.type)
          ? []
          : [`${subgraph}: ${name.value} must have a code, never null, from an enum.`]),
      ];
    });
}

/** Inputs by which money or stock moves. */
const movesMoneyOrStock = /^(OrderPlace|PaymentStart|PaymentCancel|PaymentRefund|StockAdjust)Input$/;

function keyFindings({ name: subgraph, inputs }: Subgraph): string[] {
  return inputs
    .filter(({ name }) => movesMoneyOrStock.test(name.value))
    .filter(
      ({ fields = [] }) => !fields.some((field) => field.name.value === 'idempotencyKey' && isNonNull(field.type)),
    )
    .map(({ name }) => `${subgraph}: ${name.value} moves money or stock, so it must require an idempotencyKey.`);
}
