import { readFileSync } from 'node:fs';
import { guardsOf } from '@souk/platform/access';
import { readSubgraphSdl, subgraphNames } from '@souk/schema/subgraphs';
import {
  buildASTSchema,
  type GraphQLObjectType,
  getNamedType,
  getOperationAST,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  parse,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { createMaxAge } from './max-age.ts';

const read = (file: string) => readFileSync(new URL(`../../../schema/${file}`, import.meta.url), 'utf8');
const ofShop = (contract: string) =>
  buildASTSchema(parse(read(`gateway/${contract}.graphql`)), { assumeValidSDL: true });

function ageIn(schema: ReturnType<typeof ofShop>, text: string): number {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (!operation) throw new Error('Expected one operation.');
  return createMaxAge(schema)(document, operation);
}

describe('how long an answer may be kept', () => {
  const schema = buildASTSchema(
    parse(`
      directive @public on OBJECT | FIELD_DEFINITION
      directive @owned on OBJECT | FIELD_DEFINITION
      directive @authenticated on OBJECT | FIELD_DEFINITION
      directive @requiresScopes(scopes: [[String!]!]!) on OBJECT | FIELD_DEFINITION
      directive @join__type(graph: String!, key: String) repeatable on OBJECT
      directive @cacheControl(maxAge: Int, inheritMaxAge: Boolean) on OBJECT | FIELD_DEFINITION

      type Query {
        shirt: Shirt @public
        short: Shirt @public @cacheControl(maxAge: 5)
        never: Shirt @public @cacheControl(maxAge: 0)
        names: [String!] @public @cacheControl(maxAge: 40)
        bare: String @public
        unmarked: Shirt
        mine: Shirt @owned
        anything: Thing @public @cacheControl(maxAge: 60)
        mixed: Mixed @public
      }
      type Mutation { buy: Shirt @public }
      interface Thing { id: ID! }
      type Shirt implements Thing @join__type(graph: "A", key: "id") @public @cacheControl(maxAge: 60) {
        id: ID!
        price: Money
        stock: Int @cacheControl(maxAge: 10)
        size: Size
        inMyCart: Int @owned
        bought: Int @authenticated
        exactStock: Int @requiresScopes(scopes: [["stock:read"]])
      }
      type Money @cacheControl(inheritMaxAge: true) { amount: String! }
      type Size { name: String }
      type Mixed implements Thing @join__type(graph: "A", key: "id") @join__type(graph: "B", key: "id") @public @owned @cacheControl(maxAge: 60) { id: ID! open: Int @public }
    `),
    { assumeValidSDL: true },
  );

  it.each([
    ['{ shirt { id } }', 60],
    ['{ shirt { id __typename } __typename }', 60],
    ['{ shirt { price { amount } } }', 60],
    ['{ names }', 40],
    ['{ shirt { id } names }', 40],
    ['{ shirt { stock } }', 10],
    ['{ shirt { ...stock } } fragment stock on Shirt { stock }', 10],
    ['{ shirt { ... on Shirt { ... @include(if: false) { stock } } } }', 10],
    ['{ short { id } }', 5],
    ['{ anything { id ... on Shirt { stock } } }', 10],
    ['{ mixed { open } }', 60],
    ['{ never { id } }', 0],
    ['{ bare }', 0],
    ['{ shirt { size { name } } }', 0],
    ['{ unmarked { id } }', 0],
    ['{ mine { id } }', 0],
    ['{ shirt { inMyCart } }', 0],
    ['{ shirt { bought } }', 0],
    ['{ shirt { exactStock } }', 0],
    ['{ mixed { id } }', 0],
    ['{ shirt { id } mine { id } }', 0],
    ['{ ...all } fragment all on Query { shirt { id } mine { id } }', 0],
    ['{ __typename }', 0],
    ['{ shirt { id } __schema { types { name } } }', 0],
    ['mutation { buy { id } }', 0],
  ])('%s: %i seconds', (text, seconds) => {
    expect(ageIn(schema, text)).toBe(seconds);
  });
});

describe.each(['storefront', 'admin'])('in the graph of the %s', (contract) => {
  const schema = ofShop(contract);
  const guards = new Map(subgraphNames.flatMap((name) => [...guardsOf(parse(readSubgraphSdl(name)))]));
  const objects = Object.values(schema.getTypeMap()).filter(
    (type): type is GraphQLObjectType => isObjectType(type) && !type.name.startsWith('__'),
  );
  const owned = objects.flatMap((type) =>
    Object.values(type.getFields())
      .filter(({ astNode }) => [...(astNode?.directives ?? [])].some(({ name }) => name.value === 'owned'))
      .map(({ name }) => `${type.name}.${name}`),
  );

  /** An operation that shows one field, wherever that is reached from what is kept longest. */
  const queryFor = (type: GraphQLObjectType, field: string): string => {
    const { args = [], type: returned } = type.getFields()[field] ?? {};
    const given = args.filter(isRequiredArgument).map(({ name }) => `${name}: $${name}`);
    const below = returned && !isLeafType(getNamedType(returned)) ? ' { __typename }' : '';
    const shown = `${field}${given.length > 0 ? `(${given})` : ''}${below}`;
    return type === schema.getQueryType() ? `{ ${shown} }` : `{ product { ... on ${type.name} { ${shown} } } }`;
  };

  it('only what anyone may read is kept, of every field there is', () => {
    const kept = objects.flatMap((type) =>
      Object.keys(type.getFields())
        .filter((field) => ageIn(schema, queryFor(type, field)) > 0)
        .map((field) => `${type.name}.${field}`),
    );
    expect(kept).toContain('Query.product');
    expect(kept).toContain('ProductVariant.availability');
    expect(kept.filter((coordinate) => (guards.get(coordinate)?.kind ?? 'open') !== 'open')).toEqual([]);
    expect(kept.filter((coordinate) => owned.includes(coordinate))).toEqual([]);
    expect(
      kept.filter((coordinate) =>
        /^(User|Address|Session|Cart|CartLine|Order|OrderLine|Payment|Refund|Mutation)\./.test(coordinate),
      ),
    ).toEqual([]);
  });

  it('of the questions one can begin with, these are kept', () => {
    const query = schema.getQueryType() as GraphQLObjectType;
    const kept = Object.keys(query.getFields()).filter((field) => ageIn(schema, queryFor(query, field)) > 0);
    expect(kept.sort()).toEqual(
      [
        'brand',
        'brands',
        'categories',
        'category',
        'product',
        'productSearch',
        'productSuggestions',
        'productVariant',
        'products',
      ].sort(),
    );
  });

  it('no interface is kept by itself', () => {
    expect(objects.some((type) => type.getInterfaces().some(isInterfaceType))).toBe(true);
    expect(ageIn(schema, '{ node(id: "prod_1") { id } }')).toBe(0);
  });
});
