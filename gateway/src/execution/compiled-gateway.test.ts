import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTinyGraph, type TinyGraph } from '../../test/tiny-graph.ts';
import { library } from '../../test/tiny-library.ts';
import { shop } from '../../test/tiny-shop.ts';

let shopGraph: TinyGraph;
let libraryGraph: TinyGraph;

beforeAll(async () => {
  [shopGraph, libraryGraph] = await Promise.all([openTinyGraph(shop), openTinyGraph(library)]);
});

afterAll(() => Promise.all([shopGraph.stop(), libraryGraph.stop()]));

/** Expects the same text from both, and that it was the compiled form which wrote ours. */
async function expectCompiled(graph: TinyGraph, query: string, variables?: Record<string, unknown>): Promise<void> {
  const { stock, ours, path, reason } = await graph.ask(query, variables);
  expect(ours).toBe(stock);
  expect({ path, reason }).toEqual({ path: 'compiled', reason: undefined });
}

describe('an operation is answered in its compiled form as by Apollo Gateway', () => {
  const operations = {
    'of one fetch': '{ products { upc title tags state } }',
    'with a list in a list': '{ products { variants } }',
    'with entities': '{ products { title price { amount currency } inStock } }',
    'with entities within entities':
      '{ products { title reviews { body author { name reviews { body product { title price { amount } } } } } } }',
    'with abstract types':
      '{ media { __typename id ... on Book { pages title } ... on Film { minutes director { name } } } }',
    'with aliases':
      '{ a: products { first: title second: title upc } b: products { first: upc } me { is: __typename called: name } }',
    'with fragments':
      'query { products { ...P ...Q } } fragment P on Product { title reviews { body } } fragment Q on Product { upc reviews { author { name } } }',
    'with fields that come in parts':
      '{ ...A products { upc } ...B me { name } } fragment A on Query { products { title } } fragment B on Query { products { reviews { id } } me { id } }',
    'of two subgraphs': '{ products { title } reviews { body } me { name reviews { id } } }',
    'with what a subgraph requires of another': '{ products { shipping title } }',
    'about nothing but types': '{ __typename products { __typename reviews { __typename author { __typename } } } }',
    'that asks for nobody': '{ nobody { name reviews { body } } }',
    'with names that every object has':
      '{ products { constructor: title toString: upc __proto__: reviews { __proto__: body valueOf: author { hasOwnProperty: name } } } }',
    'with fragments within fragments':
      '{ media { ... on Film { minutes ... on Media { id ... on Film { director { name } } } } } product(upc: "p1") { ... on Product { title ... { upc } } } }',
    'with a name of its own': 'query Named { products { upc } }',
  };
  for (const [name, query] of Object.entries(operations)) {
    it(name, () => expectCompiled(shopGraph, query));
  }

  const rarer = {
    'with composite and nested keys': '{ shelves { keeper row dust(grams: 10) } }',
    'with interface objects': '{ shelves { works { __typename id stars } } }',
    'with an interface object at first': '{ best { __typename id stars ... on Song { length } } }',
    'with aliases in conflict':
      '{ things { ... on Novel { x: title } ... on Room { x: name } ... on Song { x: length } } }',
    'with an object that two subgraphs have a part of': '{ shared { city street zip } }',
    'with a union': '{ things { __typename ... on Room { floor } ... on Work { id stars } } }',
    'with texts that JSON escapes': '{ works { raters { name } any } }',
    'with large, small and fractional numbers': '{ works { big stars } shelves { dust(grams: 1) } }',
  };
  for (const [name, query] of Object.entries(rarer)) {
    it(name, () => expectCompiled(libraryGraph, query));
  }
});

describe('@skip and @include', () => {
  const query = `query ($skip: Boolean!, $include: Boolean = true) {
    products { title @skip(if: $skip) price @include(if: $include) { amount } ... @include(if: $skip) { reviews { body author { name } } } }
    me @skip(if: $include) { name }
  }`;

  for (const skip of [true, false]) {
    for (const include of [true, false, undefined]) {
      it(`are heeded for ${skip} and ${include}`, () =>
        expectCompiled(shopGraph, query, { skip, ...(include === undefined ? {} : { include }) }));
    }
  }
});

it('keys that the planner asks for in a fragment of a fragment are compiled', async () => {
  const query = `query ($skip: Boolean!) {
    product(upc: "p1") @skip(if: $skip) { reviews { body } ... on Product @skip(if: $skip) { title reviews { author { id } } } }
  }`;
  for (const skip of [true, false]) await expectCompiled(shopGraph, query, { skip });
});

describe('variables', () => {
  const query = 'query ($first: Int = 2, $upc: ID!) { products(first: $first) { upc } product(upc: $upc) { title } }';

  it('get to the subgraphs', async () => {
    await expectCompiled(shopGraph, query, { first: 1, upc: 'p2', another: 1 });
    await expectCompiled(shopGraph, query, { upc: 'p3' });
    await expectCompiled(shopGraph, query, { first: null, upc: 'p3' });
  });

  for (const variables of [{}, { upc: null }, { upc: {} }, { upc: 'p1', first: 'many' }, { upc: 'p1', first: 1.5 }]) {
    it(`are refused as by Apollo Gateway: ${JSON.stringify(variables)}`, async () => {
      shopGraph.asked();
      const { stock, ours } = await shopGraph.ask(query, variables);
      expect(ours).toBe(stock);
      expect(ours).toContain('$');
      expect(shopGraph.asked()).toEqual({});
    });
  }
});

describe('a subgraph', () => {
  it('is asked once for an entity that comes up several times', async () => {
    shopGraph.asked();
    await expectCompiled(shopGraph, '{ reviews { author { name } } }');
    const { users = [] } = shopGraph.asked();
    expect(users.map(({ variables }) => variables)).toEqual([
      {
        representations: [
          { __typename: 'User', id: 'u1' },
          { __typename: 'User', id: 'u2' },
        ],
      },
    ]);
  });

  it('is not asked for entities of which there are none', async () => {
    shopGraph.asked();
    await expectCompiled(shopGraph, '{ products(first: 0) { price { amount } } }');
    expect(shopGraph.asked()).toEqual({ catalog: [expect.anything()] });
  });

  it('gets equal requests for equal fetches, whatever their place in the plan', async () => {
    shopGraph.asked();
    await expectCompiled(shopGraph, 'query Twice { me { name } reviews { id } }');
    const { users: [first] = [] } = shopGraph.asked();
    await expectCompiled(shopGraph, 'query Twice { reviews { id } products { upc } me { name } }');
    const { users: [second] = [] } = shopGraph.asked();
    expect(second).toEqual(first);
  });
});

describe('a mutation', () => {
  it('is run, and what it touches is read', () =>
    expectCompiled(
      shopGraph,
      'mutation { one: productRename(upc: "p1", title: "Pot") { title price { amount } } two: productRename(upc: "p2", title: "Mug") { title } }',
    ));
});

describe('what the compiler does not know is run by the stock executor', () => {
  const operations = {
    'questions about the schema': '{ products { upc } __type(name: "Product") { name } }',
  };
  for (const [name, query] of Object.entries(operations)) {
    it(name, async () => {
      const { stock, ours, path, reason } = await shopGraph.ask(query);
      expect(ours).toBe(stock);
      expect(path).toBe('stock');
      expect(reason).toBeDefined();
    });
  }
});
