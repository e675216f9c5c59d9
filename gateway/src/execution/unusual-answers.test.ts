import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lie, openTinyGraph, type TinyAnswer, type TinyGraph } from '../../test/tiny-graph.ts';
import { shop } from '../../test/tiny-shop.ts';

let graph: TinyGraph;

beforeAll(async () => {
  graph = await openTinyGraph(shop);
});

afterAll(() => graph.stop());

const truth: Lie = (answer) => answer;
const query = `{
  products { upc title price { amount currency } reviews { body author { id name reviews { id } } } }
  media { id __typename ... on Book { title } ... on Film { director { name } } }
}`;

/** What subgraphs say that they should not, and the data of what is asked. */
const lies: Record<string, [subgraph: string, lie: Lie, also?: string]> = {
  'an error beside data': ['users', (answer) => ({ ...answer, errors: [{ message: 'odd' }] })],
  'an error without data': ['pricing', () => ({ errors: [{ message: 'out', extensions: { code: 'OUT' } }] })],
  'no data': ['reviews', () => ({ data: null })],
  'no data at the root': ['catalog', () => ({ data: null, errors: [{ message: 'out', path: ['products'] }] })],
  'nothing at all': ['catalog', () => ({})],
  'an error of an entity': [
    'users',
    onEntities((data) => ({ data, errors: [{ message: 'odd', path: ['_entities', 0, 'name'] }] })),
  ],
  'errors of several entities': [
    'users',
    onEntities((data) => ({
      data,
      errors: [
        { message: 'one', path: ['_entities', 0, 'name'] },
        { message: 'two', path: ['_entities', 1] },
      ],
    })),
  ],
  'an error of no entity that was asked': [
    'users',
    onEntities((data) => ({ data, errors: [{ message: 'odd', path: ['_entities', 99, 'name'] }] })),
  ],
  'too few entities': ['pricing', onEntities((data) => ({ data: { _entities: data._entities.slice(1) } }))],
  'too many entities': ['users', onEntities((data) => ({ data: { _entities: [...data._entities, null] } }))],
  'no list of entities': ['pricing', onEntities(() => ({ data: { _entities: null } }))],
  'no entity': ['users', onEntities((data) => ({ data: { _entities: data._entities.map(() => null) } }))],
  'no entity where one has to be': [
    'pricing',
    onEntities((data) => ({ data: { _entities: [null, ...data._entities.slice(1)] } })),
  ],
  'an entity that is none': ['users', onEntities((data) => ({ data: { _entities: data._entities.map(() => 7) } }))],
  'an entity without its fields': [
    'users',
    onEntities((data) => ({ data: { _entities: data._entities.map(() => ({})) } })),
  ],
  'null where none may be': ['catalog', change((product) => ({ ...product, title: null }))],
  'null for a key': ['catalog', change((product) => ({ ...product, upc: null }))],
  'no key': ['catalog', change(({ upc: _, ...product }) => product)],
  'no type': ['catalog', change(({ __typename: _, ...product }) => product)],
  'another type': ['catalog', change((product) => ({ ...product, __typename: 'Film' }))],
  'an unknown type': ['catalog', change((product) => ({ ...product, __typename: 'Nothing' }))],
  'a number for a text': ['catalog', change((product) => ({ ...product, title: 7 }))],
  'an object for a text': ['catalog', change((product) => ({ ...product, title: {} }))],
  'a list for an object': ['catalog', change((product) => [product])],
  'a number for an object': ['catalog', change(() => 3)],
  'null in a list': ['catalog', change(() => null)],
  'an object for a list': ['catalog', (answer) => ({ data: { ...answer.data, products: {} } })],
  'null for a list': ['catalog', (answer) => ({ data: { ...answer.data, products: null } })],
  'half a number': [
    'pricing',
    onEntities(eachEntity((entity) => ({ ...entity, price: { amount: 1.5, currency: 'EUR' } }))),
  ],
  'a number beyond all': [
    'pricing',
    onEntities(eachEntity((entity) => ({ ...entity, price: { amount: 1e21, currency: 'EUR' } }))),
  ],
  'a text for a number': [
    'pricing',
    onEntities(eachEntity((entity) => ({ ...entity, price: { amount: '1', currency: 'EUR' } }))),
  ],
  "null for a scalar of the shop's own": [
    'pricing',
    onEntities(eachEntity((entity) => ({ ...entity, price: { amount: 1, currency: null } }))),
  ],
  'nothing for an object': ['pricing', onEntities(eachEntity(({ __typename }) => ({ __typename })))],
  'texts that need escaping': [
    'reviews',
    onEntities(eachEntity((entity) => ({ ...entity, reviews: [{ id: '"', body: '\\ \n', author: null }] }))),
  ],
};

describe('an answer is what Apollo Gateway makes of it when a subgraph says', () => {
  for (const [what, [subgraph, lie]] of Object.entries(lies)) {
    it(what, async () => {
      graph.lie(subgraph, lie);
      const { stock, ours, path } = await graph.ask(query);
      graph.lie(subgraph, truth);
      expect(ours).toBe(stock);
      expect(path).toMatch(/slow|compiled/);
    });
  }
});

describe('when something was unusual', () => {
  it('the next answer is written by the compiled form again', async () => {
    graph.lie('users', () => ({ data: null }));
    expect((await graph.ask(query)).path).toBe('slow');
    graph.lie('users', truth);
    expect((await graph.ask(query)).path).toBe('compiled');
  });

  it('no subgraph is asked again what it was asked before', async () => {
    graph.asked();
    await graph.ask(query);
    const asked = counts(graph.asked());
    graph.lie('pricing', () => ({ errors: [{ message: 'out' }] }));
    expect((await graph.ask(query)).path).toBe('slow');
    graph.lie('pricing', truth);
    expect(counts(graph.asked())).toEqual(asked);
  });

  it('a mutation is not done twice', async () => {
    graph.asked();
    graph.lie('catalog', (answer) => ({ ...answer, errors: [{ message: 'odd', path: ['productRename'] }] }));
    const { stock, ours, path } = await graph.ask(
      'mutation { productRename(upc: "p1", title: "x") { title price { amount } } }',
    );
    graph.lie('catalog', truth);
    expect(ours).toBe(stock);
    expect(path).toBe('slow');
    expect(counts(graph.asked())).toMatchObject({ catalog: 1 });
  });

  it('an entity that comes up several times has its error in each place', async () => {
    graph.lie(
      'users',
      onEntities((data) => ({ data, errors: [{ message: 'odd', path: ['_entities', 0, 'name'] }] })),
    );
    const { ours } = await graph.ask('{ reviews { author { name } } }');
    graph.lie('users', truth);
    const { errors } = JSON.parse(ours) as { errors: { path: unknown[] }[] };
    expect(errors.map(({ path }) => path)).toEqual([
      ['reviews', 0, 'author', 'name'],
      ['reviews', 2, 'author', 'name'],
    ]);
  });
});

type Entity = Record<string, unknown>;
interface EntitiesData {
  _entities: Entity[];
}

/**
 * Lies about entities. Representations that are the same get the same lie, so that it makes no difference whether a subgraph is asked for each of them or for
 * one: what is said of the first or second of those asked for, is said of all that are the same.
 */
function onEntities(
  lie: (data: EntitiesData) => { data: unknown; errors?: { message: string; path?: (string | number)[] }[] },
): Lie {
  return (answer: TinyAnswer, { variables }) => {
    const { representations } = variables as { representations?: unknown[] };
    if (!representations || !answer.data) return answer;
    const texts = representations.map((representation) => JSON.stringify(representation));
    const distinct = [...new Set(texts)];
    const { _entities: entities } = answer.data as EntitiesData;
    const said = lie({ _entities: distinct.map((text) => entities[texts.indexOf(text)] ?? {}) });
    const list = (said.data as Partial<EntitiesData>)?._entities;
    return {
      ...said,
      data:
        Array.isArray(list) && list.length >= distinct.length
          ? { _entities: [...texts.map((text) => list[distinct.indexOf(text)]), ...list.slice(distinct.length)] }
          : said.data,
      ...(said.errors && {
        errors: said.errors
          .flatMap((error) => {
            const text = distinct[Number(error.path?.[1])];
            if (text === undefined) return [error];
            return texts.flatMap((other, place) =>
              other === text ? [{ ...error, path: ['_entities', place, ...(error.path ?? []).slice(2)] }] : [],
            );
          })
          .sort((one, other) => Number(one.path?.[1] ?? 0) - Number(other.path?.[1] ?? 0)),
      }),
    };
  };
}

function eachEntity(lie: (entity: Entity) => Entity) {
  return (data: EntitiesData) => ({ data: { _entities: data._entities.map(lie) } });
}

/** Lies about the second product. */
function change(lie: (product: Entity) => unknown): Lie {
  return (answer) => {
    const { products } = (answer.data ?? {}) as { products?: Entity[] };
    if (!products) return answer;
    return {
      ...answer,
      data: { ...answer.data, products: products.map((product, place) => (place === 1 ? lie(product) : product)) },
    };
  };
}

function counts(asked: Record<string, unknown[]>): Record<string, number> {
  return Object.fromEntries(Object.entries(asked).map(([name, calls]) => [name, calls.length]));
}
