import { buildSchema, parse, print, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { followedBy, liveFieldsOf, withQueries } from './live-query.ts';

const schema = buildSchema(`
  directive @live(query: String!) on FIELD_DEFINITION
  type Query { order(id: ID, number: String): Order }
  type Subscription { orderUpdated(orderId: ID!): Order @live(query: "order") }
  type Order { id: ID! status(of: ID): String customer: Customer }
  type Customer { id: ID! }
`);
const liveFields = liveFieldsOf(schema);

/** The queries for a document, which are valid because the document is. */
function queriesFor(source: string): string {
  const document = parse(source);
  expect(validate(schema, document)).toEqual([]);
  const queries = withQueries(document, liveFields);
  expect(validate(schema, queries)).toEqual([]);
  return print(queries);
}
const tidy = (source: string) => print(parse(source));

describe('the query of a subscription', () => {
  it('answers under the name of the field', () => {
    expect(queriesFor('subscription Watch($id: ID!) { orderUpdated(orderId: $id) { id } }')).toBe(
      tidy('query Watch($id: ID!) { orderUpdated: order(id: $id) { id } }'),
    );
  });

  it('answers under an alias where there is one, and leaves everything below as it is', () => {
    expect(
      queriesFor(
        'subscription { mine: orderUpdated(orderId: "a") { orderUpdated: id ...Rest } } fragment Rest on Order { status(of: 1) }',
      ),
    ).toBe(tidy('{ mine: order(id: "a") { orderUpdated: id ...Rest } } fragment Rest on Order { status(of: 1) }'));
  });

  it('is found in fragments of both kinds', () => {
    expect(
      queriesFor(`
        subscription { ...Named }
        fragment Named on Subscription { ... on Subscription { ... { orderUpdated(orderId: 7) { id } } } }
      `),
    ).toBe(tidy('{ ...Named } fragment Named on Query { ... on Query { ... { orderUpdated: order(id: 7) { id } } } }'));
  });

  it('stands beside the other operations of its document', () => {
    const other = 'query Other { order(id: 1) { ...Part } } fragment Part on Order { id }';
    expect(queriesFor(`${other} subscription Watch { orderUpdated(orderId: 1) { ...Part } }`)).toBe(
      tidy(`${other} query Watch { orderUpdated: order(id: 1) { ...Part } }`),
    );
  });
});

describe('what a subscription follows', () => {
  it.each<[string, Record<string, unknown>, string | undefined]>([
    ['subscription { orderUpdated(orderId: "a") { id } }', {}, 'a'],
    ['subscription { orderUpdated(orderId: 7) { id } }', {}, '7'],
    ['subscription ($id: ID!) { orderUpdated(orderId: $id) { id } }', { id: 'b' }, 'b'],
    ['subscription ($id: ID!) { orderUpdated(orderId: $id) { id } }', { id: 7 }, '7'],
    ['subscription ($id: ID! = "c") { orderUpdated(orderId: $id) { id } }', {}, 'c'],
    [
      'subscription ($id: ID!) { ...F } fragment F on Subscription { orderUpdated(orderId: $id) { id } }',
      { id: 'd' },
      'd',
    ],
    ['subscription ($id: ID!) { orderUpdated(orderId: $id) { id } }', {}, undefined],
    ['subscription ($id: ID!) { orderUpdated(orderId: $id) { id } }', { id: { $ne: 1 } }, undefined],
  ])('%s with %o', (source, variables, id) => {
    expect(followedBy(parse(source), undefined).idIn(variables)).toBe(id);
  });

  it('is that of the operation that is named, under the name it has in the answer', () => {
    const document = parse(
      'subscription A { a: orderUpdated(orderId: 1) { id } } subscription B { b: orderUpdated(orderId: 2) { id } }',
    );
    const { responseName, idIn } = followedBy(document, 'B');
    expect([responseName, idIn({})]).toEqual(['b', '2']);
  });
});
