import { buildSchema, getIntrospectionQuery, getOperationAST, graphqlSync, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createCostEstimator, type Variables } from './cost.ts';

const schema = buildSchema(`
  directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
  directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION

  type Query {
    item: Item
    named: Named
    name: String
    items(first: Int, last: Int): Page
      @listSize(assumedSize: 20, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)
    search(first: Int = 5): Page @cost(weight: 10) @listSize(slicingArguments: ["first"], sizedFields: ["edges", "nodes"])
    words(limit: Int = 8): [String!] @cost(weight: 1) @listSize(slicingArguments: ["limit"])
    some: [Item!] @listSize(assumedSize: 3)
    any: [Item!]
    report(of: ReportInput, kind: String @cost(weight: 4)): Report
  }
  type Mutation { change(inputs: [ChangeInput!]!): Item }
  interface Named { name: String }
  type Item implements Named { name: String parts(first: Int = 2): Page @listSize(slicingArguments: ["first"], sizedFields: ["nodes"]) tags: [String!] }
  type Page { edges: [Edge!]! nodes: [Item!]! total: Total @cost(weight: 5) others: [Item!]! }
  type Edge { node: Item! }
  type Total { count: Int }
  type Report @cost(weight: 7) { text: String }
  input ReportInput { deep: Boolean @cost(weight: 100) }
  input ChangeInput { name: String again: [ChangeInput!] }
`);
const estimator = createCostEstimator(schema);

function costOf(text: string, variables: Variables = {}): number {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = getOperationAST(document);
  if (!operation) throw new Error('Expected one operation.');
  return estimator(document, operation)(variables);
}

describe('the estimated cost of an operation', () => {
  it.each([
    ['a scalar', '{ name __typename }', 0],
    ['one type of the schema', '{ __type(name: "Item") { name } }', 1],
    ['all types of the schema', '{ __schema { types { name } } }', 1 + Object.keys(schema.getTypeMap()).length],
    ['an object', '{ item { name } }', 1],
    ['an interface', '{ named { name } }', 1],
    ['a field with a weight', '{ search(first: 0) { total { count } } }', 10 + 5],
    ['a type with a weight', '{ report { text } }', 7],
    ['a page as long as asked', '{ items(first: 50) { nodes { name } } }', 1 + 50],
    ['a page from the end', '{ items(last: 7) { nodes { name } } }', 1 + 7],
    ['a page of the assumed size', '{ items { nodes { name } } }', 1 + 20],
    ['a page of the schema’s default size', '{ search { nodes { name } } }', 10 + 5],
    ['a page shown twice', '{ items(first: 10) { nodes { name } edges { node { name } } } }', 1 + 10 + 10 * 2],
    ['pages in a page', '{ items(first: 10) { nodes { parts(first: 4) { nodes { name } } } } }', 1 + 10 * (1 + 1 + 4)],
    ['what stands beside a page once', '{ items(first: 100) { total { count } } }', 1 + 5],
    ['another list of a page', '{ items(first: 2) { others { name } } }', 1 + 10],
    ['a list of the assumed size', '{ some { name } }', 3],
    ['a list of which nothing is known', '{ any { name tags } }', 10],
    ['a list of scalars with a weight', '{ words }', 8],
    ['a page of less than nothing', '{ items(first: -5) { nodes { name } } }', 1],
    ['an argument with a weight', '{ report(kind: "x") { text } }', 7 + 4],
    ['an input object and its fields', '{ report(of: { deep: true }) { text } }', 7 + 1 + 100],
    [
      'a mutation, and each object of its input',
      'mutation { change(inputs: [{ name: "a" }, { again: [{ name: "b" }] }]) { name } }',
      10 + 3 + 1,
    ],
    [
      'fragments, wherever they stand',
      '{ items(first: 3) { ...P } } fragment P on Page { ... { nodes { ...I } } } fragment I on Item { parts { nodes { name } } }',
      1 + 3 * (1 + 1 + 2),
    ],
    [
      'what is left out by name of a constant',
      '{ item @skip(if: true) { name } some @include(if: false) { name } }',
      0,
    ],
  ])('counts %s', (_, text, cost) => {
    expect(costOf(text)).toBe(cost);
  });

  it.each<[string, string, Variables, number]>([
    ['the size of a page', 'query ($n: Int) { items(first: $n) { nodes { name } } }', { n: 40 }, 1 + 40],
    ['no size', 'query ($n: Int) { items(first: $n) { nodes { name } } }', { n: null }, 1 + 20],
    ['the default of a size', 'query ($n: Int = 9) { items(first: $n) { nodes { name } } }', {}, 1 + 9],
    ['what is no size at all', 'query ($n: Int) { items(first: $n) { nodes { name } } }', { n: 'all' }, 1 + 20],
    [
      'a size inside a page',
      'query ($n: Int) { items(first: 10) { nodes { parts(first: $n) { nodes { name } } } } }',
      { n: 3 },
      1 + 10 * 5,
    ],
    [
      'an input',
      'mutation ($i: [ChangeInput!]!) { change(inputs: $i) { name } }',
      { i: [{}, { again: [{}, {}] }] },
      10 + 4 + 1,
    ],
    [
      'a part of an input',
      'mutation ($i: [ChangeInput!]) { change(inputs: [{ again: $i }]) { name } }',
      { i: [{}, {}] },
      10 + 3 + 1,
    ],
    ['that a field is wanted', 'query ($b: Boolean!) { item @include(if: $b) { name } }', { b: true }, 1],
    [
      'that it is not',
      'query ($b: Boolean!) { item @include(if: $b) { name } some @skip(if: $b) { name } }',
      { b: false },
      3,
    ],
    ['an input that is none', 'mutation ($i: [ChangeInput!]!) { change(inputs: $i) { name } }', { i: 'x' }, 10 + 1 + 1],
  ])('is asked of variables: %s', (_, text, variables, cost) => {
    expect(costOf(text, variables)).toBe(cost);
  });

  it('comes, for all of the schema, to as many points as its description has objects, and to more when it is asked for again', () => {
    const whole = getIntrospectionQuery();
    let objects = 0;
    JSON.stringify(graphqlSync({ schema, source: whole }).data, (_, value) => {
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) objects++;
      return value;
    });
    expect(costOf(whole) / objects).toBeCloseTo(1, 1);
    const twice = whole
      .replace('__schema {', '...S __schema {')
      .concat('fragment S on Query { again: __schema { types { ...FullType } } }');
    expect(costOf(twice)).toBeGreaterThan(1.8 * costOf(whole));
  });

  it('does not follow lists in variables deeper than their type goes', () => {
    const deep = JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`);
    expect(costOf('mutation ($i: [ChangeInput!]!) { change(inputs: $i) { name } }', { i: deep })).toBe(10 + 1 + 1);
  });

  it('counts the operation that is run, not others beside it', () => {
    const document = parse('query A { item { name } } query B { some { name } }');
    const cost = (name: string) => {
      const operation = getOperationAST(document, name);
      return operation && estimator(document, operation)({});
    };
    expect([cost('A'), cost('B')]).toEqual([1, 3]);
  });
});
