import type { TinySubgraph } from './tiny-graph.ts';

const products = [
  {
    upc: 'p1',
    title: 'Teapot',
    tags: ['clay', 'new'],
    state: 'FOR_SALE',
    weight: 3,
    variants: [['red', 'blue'], [], null],
  },
  { upc: 'p2', title: 'Cup "small"', tags: [], state: 'GONE', weight: 1 },
  { upc: 'p3', title: '茶壶', tags: null, state: 'FOR_SALE', weight: 7 },
];
const reviews = [
  { id: 'r1', body: 'Fine', author: { id: 'u1' }, product: { upc: 'p1' } },
  { id: 'r2', body: 'Good', author: { id: 'u2' }, product: { upc: 'p1' } },
  { id: 'r3', body: 'Bad', author: { id: 'u1' }, product: { upc: 'p3' } },
];
const users = [
  { id: 'u1', name: 'Ada' },
  { id: 'u2', name: 'Bo' },
];
const media = [
  { __typename: 'Book', id: 'm1', pages: 12 },
  { __typename: 'Film', id: 'm2', minutes: 90, director: { id: 'u2' } },
  { __typename: 'Book', id: 'm3', pages: null },
];
const titles: Record<string, string> = { m1: 'On tea', m3: 'On cups' };

/** A shop of four subgraphs with one of everything that federation has. */
export const shop: Record<string, TinySubgraph> = {
  catalog: {
    sdl: `
      type Query { products(first: Int = 10): [Product!]! product(upc: ID!): Product media: [Media!]! }
      type Mutation { productRename(upc: ID!, title: String!): Product }
      type Product @key(fields: "upc") { upc: ID! title: String! tags: [String!] state: State! weight: Int! variants: [[String!]] }
      enum State { FOR_SALE GONE }
      interface Media { id: ID! }
      type Book implements Media @key(fields: "id") { id: ID! pages: Int }
      type Film implements Media @key(fields: "id") { id: ID! minutes: Int! director: User }
      type User @key(fields: "id", resolvable: false) { id: ID! }
    `,
    resolvers: {
      Query: {
        products: (_: unknown, { first }: { first: number }) => products.slice(0, first),
        product: (_: unknown, { upc }: { upc: string }) => products.find((product) => product.upc === upc),
        media: () => media,
      },
      Mutation: {
        productRename: (_: unknown, { upc, title }: { upc: string; title: string }) => ({
          ...products.find((product) => product.upc === upc),
          title,
        }),
      },
      Product: { __resolveReference: ({ upc }: { upc: string }) => products.find((product) => product.upc === upc) },
    },
  },
  pricing: {
    sdl: `
      type Product @key(fields: "upc") { upc: ID! weight: Int! @external price: Money! inStock: Boolean! shipping: Float! @requires(fields: "weight") }
      scalar Currency
      type Money { amount: Int! currency: Currency! }
      type Book @key(fields: "id") { id: ID! title: String! }
    `,
    resolvers: {
      Product: {
        price: ({ upc }: { upc: string }) => ({ amount: 100 * upc.length + Number(upc[1]), currency: 'EUR' }),
        inStock: ({ upc }: { upc: string }) => upc !== 'p2',
        shipping: ({ weight }: { weight: number }) => weight * 1.5,
        __resolveReference: (reference: object) => reference,
      },
      Book: { __resolveReference: ({ id }: { id: string }) => ({ id, title: titles[id] }) },
    },
  },
  reviews: {
    sdl: `
      type Query { reviews: [Review!]! }
      type Product @key(fields: "upc") { upc: ID! reviews: [Review!]! }
      type User @key(fields: "id") { id: ID! reviews: [Review!]! }
      type Review @key(fields: "id") { id: ID! body: String! author: User product: Product! }
    `,
    resolvers: {
      Query: { reviews: () => reviews },
      Product: {
        reviews: ({ upc }: { upc: string }) => reviews.filter(({ product }) => product.upc === upc),
        __resolveReference: (reference: object) => reference,
      },
      User: {
        reviews: ({ id }: { id: string }) => reviews.filter(({ author }) => author.id === id),
        __resolveReference: (reference: object) => reference,
      },
    },
  },
  users: {
    sdl: `type Query { me: User nobody: User } type User @key(fields: "id") { id: ID! name: String! }`,
    resolvers: {
      Query: { me: () => users[0], nobody: () => null },
      User: { __resolveReference: ({ id }: { id: string }) => users.find((user) => user.id === id) },
    },
  },
};
