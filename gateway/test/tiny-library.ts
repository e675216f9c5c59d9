import type { TinySubgraph } from './tiny-graph.ts';

const shelves = [
  { room: { floor: 1, name: 'North' }, row: 'a', works: ['w1', 'w2', 'w1'] },
  { room: { floor: 2, name: 'South' }, row: 'a', works: ['w3'] },
  { room: { floor: 1, name: 'North' }, row: 'b', works: [] },
];
const works: Record<string, { __typename: string; id: string; length: number | string }> = {
  w1: { __typename: 'Novel', id: 'w1', length: 300 },
  w2: { __typename: 'Song', id: 'w2', length: 'three minutes' },
  w3: { __typename: 'Novel', id: 'w3', length: 0 },
};

/** What the planner has rarer means for: composite and nested keys, interface objects, aliases in conflict, objects that two subgraphs have a part of. */
export const library: Record<string, TinySubgraph> = {
  shelves: {
    sdl: `
      type Query { shelves: [Shelf!]! works: [Work!]! things: [Thing!]! shared: Place! @shareable }
      type Shelf @key(fields: "room { floor name } row") { room: Room! row: String! works: [Work!]! }
      type Room @shareable { floor: Int! name: String! }
      interface Work @key(fields: "id") { id: ID! }
      type Novel implements Work @key(fields: "id") { id: ID! length: Int! title: String! }
      type Song implements Work @key(fields: "id") { id: ID! length: String! }
      union Thing = Novel | Song | Room
      type Place @shareable { city: String! street: String }
    `,
    resolvers: {
      Query: {
        shelves: () => shelves,
        works: () => Object.values(works),
        things: () => [works['w2'], { __typename: 'Room', floor: 3, name: 'Attic' }, works['w3']],
        shared: () => ({ city: 'Lund', street: 'Tea street' }),
      },
      Shelf: { works: ({ works: ids }: { works: string[] }) => ids.map((id) => works[id]) },
      Work: { __resolveReference: ({ id }: { id: string }) => works[id] },
      Novel: {
        title: ({ id }: { id: string }) => (id === 'w3' ? '' : `Novel ${id}`),
        __resolveReference: ({ id }: { id: string }) => works[id],
      },
      Song: { __resolveReference: ({ id }: { id: string }) => works[id] },
    },
  },
  ratings: {
    sdl: `
      type Query { best: Work }
      type Work @key(fields: "id") @interfaceObject { id: ID! stars: Float! raters: [Rater!]! big: Big any: Any }
      type Rater { name: String! constructor: String }
      scalar Big
      scalar Any
    `,
    resolvers: {
      Query: { best: () => ({ id: 'w2' }) },
      Work: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        stars: ({ id }: { id: string }) => (id === 'w1' ? 4.5 : 1e-7),
        raters: ({ id }: { id: string }) => (id === 'w3' ? [] : [{ name: `"${id}"\n\u2028`, constructor: 'somebody' }]),
        big: () => Number.MAX_SAFE_INTEGER,
        any: ({ id }: { id: string }) => ({ id, list: [1, null, { deep: 'ü' }], text: '\\' }),
      },
    },
  },
  keeping: {
    sdl: `
      type Query { shared: Place! @shareable }
      type Shelf @key(fields: "room { floor name } row") { room: Room! row: String! keeper: String! dust(grams: Int!): Float! }
      type Room @shareable { floor: Int! name: String! }
      type Place @shareable { city: String! zip: String }
    `,
    resolvers: {
      Query: { shared: () => ({ city: 'Lund', zip: '22100' }) },
      Shelf: {
        __resolveReference: (reference: object) => reference,
        keeper: ({ room: { floor }, row }: { room: { floor: number }; row: string }) => `keeper of ${floor}${row}`,
        dust: (_: unknown, { grams }: { grams: number }) => grams / 3,
      },
    },
  },
};
