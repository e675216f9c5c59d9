import { graphql, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { guardsOf } from './access.ts';
import { newId } from './id.ts';
import type { Caller, ServiceName } from './identity.ts';
import { subgraphSchema } from './subgraph-server.ts';

const typeDefs = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@inaccessible", "@authenticated", "@requiresScopes"])
  directive @public on OBJECT | FIELD_DEFINITION
  directive @owned on OBJECT | FIELD_DEFINITION
  type Query {
    open: Product @public
    mine: String @authenticated
    staff: String @requiresScopes(scopes: [["order:read", "user:read"], ["admin"]])
    internal: String @inaccessible
    forgotten: String
  }
  type Product @key(fields: "id") @public { id: ID! title: String cost: String @requiresScopes(scopes: [["admin"]]) measure: Measure }
  type Measure { width: Int }
  type Secret @key(fields: "id") { id: ID! text: String }
  extend type Query { added: String addedForStaff: String @requiresScopes(scopes: [["admin"]]) }
`;

const product = { id: newId('Product'), title: 'Shoe', cost: '5', measure: { width: 3 } };
const schema = subgraphSchema(typeDefs, {
  Query: {
    open: () => product,
    mine: () => 'mine',
    staff: () => 'staff',
    internal: () => 'internal',
    forgotten: () => 'forgotten',
    added: () => 'added',
    addedForStaff: () => 'added',
  },
  Product: { __resolveReference: () => product },
  Secret: { __resolveReference: () => ({ id: '1', text: 'secret' }) },
});

const caller = (service: ServiceName, scopes?: string[]): Caller => ({
  service,
  viewer: scopes ? { userId: newId('User'), sessionId: newId('Session'), roles: [], scopes: new Set(scopes) } : null,
});
const anonymous = caller('gateway');
const customer = caller('gateway', []);

async function ask(source: string, as: Caller, variableValues: Record<string, unknown> = {}) {
  const { data, errors } = await graphql({ schema, source, contextValue: { caller: as }, variableValues });
  return { data: { ...data }, codes: (errors ?? []).map((error) => error.extensions['code']) };
}

describe('a field', () => {
  it.each([
    ['open to anyone', '{ open { title } }', anonymous, []],
    ['added by an extension without a declaration', '{ added }', customer, ['FORBIDDEN']],
    ['added by an extension for staff, asked by a customer', '{ addedForStaff }', customer, ['FORBIDDEN']],
    ['added by an extension for staff, asked by staff', '{ addedForStaff }', caller('gateway', ['admin']), []],
    ['for the signed-in, asked by nobody', '{ mine }', anonymous, ['UNAUTHENTICATED']],
    ['for the signed-in, asked by one', '{ mine }', customer, []],
    ['for staff, asked by nobody', '{ staff }', anonymous, ['UNAUTHENTICATED']],
    ['for staff, asked by a customer', '{ staff }', customer, ['FORBIDDEN']],
    ['for staff, asked with half of a set of scopes', '{ staff }', caller('gateway', ['order:read']), ['FORBIDDEN']],
    ['for staff, asked with one whole set', '{ staff }', caller('gateway', ['order:read', 'user:read']), []],
    ['for staff, asked with the other set', '{ staff }', caller('gateway', ['admin']), []],
    [
      'for services, asked through the gateway by an administrator',
      '{ internal }',
      caller('gateway', ['admin']),
      ['FORBIDDEN'],
    ],
    ['for services, asked through the gateway by nobody', '{ internal }', anonymous, ['FORBIDDEN']],
    ['for services, asked by the gateway for itself', '{ internal }', { ...anonymous, forItself: true as const }, []],
    ['for services, asked by a service', '{ internal }', caller('order'), []],
    ['that nobody declared, asked by an administrator', '{ forgotten }', caller('gateway', ['admin']), ['FORBIDDEN']],
  ])('%s', async (_, source, as, codes) => {
    expect((await ask(source, as)).codes).toEqual(codes);
  });

  it('that is guarded costs only itself', async () => {
    const { data, codes } = await ask('{ open { title cost measure { width } } }', customer);
    expect(data).toEqual({ open: { title: 'Shoe', cost: null, measure: { width: 3 } } });
    expect(codes).toEqual(['FORBIDDEN']);
  });
});

describe('_entities', () => {
  const source =
    'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Product { title cost } ... on Secret { text } } }';
  const entities = (representations: unknown[], as = customer) => ask(source, as, { representations });

  it('guards what a root field would guard', async () => {
    expect(await entities([{ __typename: 'Product', id: product.id }])).toEqual({
      data: { _entities: [{ title: 'Shoe', cost: null }] },
      codes: ['FORBIDDEN'],
    });
    expect((await entities([{ __typename: 'Secret', id: '1' }])).codes).toEqual(['FORBIDDEN']);
  });

  it.each([[0], [true], [{ $ne: 1 }], ['prod_nonsense'], [newId('Order')], [null]])(
    'refuses the key %j before it reaches a store',
    async (id) => {
      expect((await entities([{ __typename: 'Product', id }])).codes).toEqual(['BAD_USER_INPUT']);
    },
  );

  it('refuses more representations than any page needs', async () => {
    const many = Array.from({ length: 5_001 }, () => ({ __typename: 'Product', id: product.id }));
    expect((await entities(many)).codes).toEqual(['BAD_USER_INPUT']);
  });
});

describe('guards of an SDL', () => {
  const guards = guardsOf(parse(typeDefs));

  it('leave value types to the fields that lead to them, and deny entrances that nobody declared', () => {
    expect(guards.get('Measure.width')).toEqual({ kind: 'open' });
    expect(guards.get('Secret.text')).toEqual({ kind: 'undeclared' });
    expect(guards.get('Query.forgotten')).toEqual({ kind: 'undeclared' });
  });

  it('take plain resolvers back where no rule stands, because wrapping costs more than deciding', () => {
    const fields = schema.getQueryType()?.getFields();
    expect(fields?.['open']?.resolve?.name).toBe('open');
    expect(fields?.['mine']?.resolve?.name).not.toBe('mine');
  });
});
