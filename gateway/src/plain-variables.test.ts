import { buildSchema, getVariableValues, type OperationDefinitionNode, parse } from 'graphql';
import { expect, it } from 'vitest';
import { arePlain } from './plain-variables.ts';

const schema = buildSchema('enum Kind { A } input One { a: Int } type Query { a(b: ID, c: Float): Int }');
const types = ['ID', 'String', 'Int', 'Float', 'Boolean', 'Kind', 'One', '[Int]', '[ID!]'];
const declared = types.flatMap((type) => [type, `${type}!`]);
const values = [
  ...[undefined, null, '', 'A', '1', 0, -1, 1.5, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 1e300],
  ...[Number.NaN, Number.POSITIVE_INFINITY, true, false, [], [1], ['a'], {}, { a: 1 }, { a: 'b' }],
];

function definitionsOf(type: string) {
  const { definitions } = parse(`query ($v: ${type}) { a }`);
  return (definitions[0] as OperationDefinitionNode).variableDefinitions ?? [];
}

it.each(declared)('what is plain, graphql-js finds right, too: %s', (type) => {
  const definitions = definitionsOf(type);
  for (const v of values) {
    if (arePlain(definitions, { v }))
      expect([v, getVariableValues(schema, definitions, { v }).errors]).toEqual([v, undefined]);
  }
});

it.each([
  ['ID!', 'a'],
  ['String', 'a'],
  ['Int!', 1],
  ['Float', 1.5],
  ['Boolean!', false],
  ['[Int]', null],
  ['Kind', undefined],
])('is quick about %s', (type, v) => {
  expect(arePlain(definitionsOf(type), { v })).toBe(true);
});

it.each([
  ['String!', undefined],
  ['Kind', 'A'],
  ['One', {}],
  ['ID', 1],
  ['[ID!]', ['a']],
])('leaves %s to graphql-js', (type, v) => {
  expect(arePlain(definitionsOf(type), { v })).toBe(false);
});

it('takes a name that all objects have for what it is', () => {
  const { definitions } = parse('query ($toString: String!) { a }');
  expect(arePlain((definitions[0] as OperationDefinitionNode).variableDefinitions ?? [], {})).toBe(false);
});
