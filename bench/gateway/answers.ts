import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, type GraphQLSchema, parse } from 'graphql';

export const benchSubgraphs = ['people', 'goods', 'stock', 'opinions'] as const;
export type BenchSubgraph = (typeof benchSubgraphs)[number];

interface Entity {
  __typename?: string;
  id: string;
  price?: number;
  weight?: number;
}

/** What a subgraph answers, as a function of what it is asked: the text of the same question is the same each time. */
export function answererOf(name: BenchSubgraph, sdl: string): (body: string) => Promise<string> {
  const schema: GraphQLSchema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: resolvers[name] }]);
  return async (body) => {
    const { query, variables } = JSON.parse(body) as { query: string; variables?: Record<string, unknown> };
    const result = await execute({ schema, document: parse(query), variableValues: variables ?? {} });
    if (result.errors) throw new Error(`${name} was asked something wrong: ${result.errors[0]?.message}\n${body}`);
    return JSON.stringify(result);
  };
}

type Language = 'ENGLISH' | 'CHINESE';
const idOf = (kind: string, number: number, language: Language) =>
  `${kind}-${language === 'CHINESE' ? 'zh' : 'en'}-${number}`;
const languageOf = (id: string): Language => (id.includes('-zh-') ? 'CHINESE' : 'ENGLISH');
const numberOf = (id: string) => Number(/\d+$/.exec(id)?.[0] ?? 0) % 100;
const listOf = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index));

const texts = {
  ENGLISH: {
    name: (number: number) => `Person Number ${number}`,
    product: (number: number) => `A product with the number ${number}`,
    text: (number: number) =>
      `Review ${number}: it does what it should, and looks well. ${'Warmly recommended. '.repeat(number % 4)}`,
  },
  CHINESE: {
    name: (number: number) => `第${number}位顾客`,
    product: (number: number) => `第${number}号山行跑步鞋`,
    text: (number: number) => `评价${number}：质量很好，外观也漂亮，穿着舒适。${'强烈推荐给大家。'.repeat(number % 4)}`,
  },
};

const person = (id: string) => ({
  id,
  name: texts[languageOf(id)].name(numberOf(id)),
  handle: `@person${numberOf(id)}`,
  born: `19${60 + (numberOf(id) % 40)}-07-14`,
});

const product = (id: string) => ({
  id,
  name: texts[languageOf(id)].product(numberOf(id)),
  price: 100 + numberOf(id) * 7,
  weight: 50 + numberOf(id) * 3,
});

/** Reviews of one thing lead to a handful of others, so that the same entities are met again and again, as in a shop. */
const reviewsOf = ({ id }: Entity, { first }: { first: number }) =>
  listOf(first, (index) => {
    const number = numberOf(id) * 10 + index;
    return {
      id: idOf('review', number, languageOf(id)),
      text: texts[languageOf(id)].text(number),
      stars: 1 + (number % 5),
      author: { id: idOf('person', number % 6, languageOf(id)) },
      product: { id: idOf('product', (number * 3) % 9, languageOf(id)) },
    };
  });

const resolvers = {
  people: {
    Query: {
      people: (_root: unknown, { first, language }: { first: number; language: Language }) =>
        listOf(first, (index) => person(idOf('person', index, language))),
      person: (_root: unknown, { id }: Entity) => person(id),
    },
    Person: { __resolveReference: ({ id }: Entity) => person(id) },
  },
  goods: {
    Query: {
      topProducts: (_root: unknown, { first, language }: { first: number; language: Language }) =>
        listOf(first, (index) => product(idOf('product', index, language))),
    },
    Product: { __resolveReference: ({ id }: Entity) => product(id) },
  },
  stock: {
    Product: {
      __resolveReference: (entity: Entity) => entity,
      inStock: ({ id }: Entity) => numberOf(id) % 3 !== 0,
      shippingPrice: ({ price = 0, weight = 0 }: Entity) => (price > 130 ? 0 : Math.round(weight / 2)),
    },
  },
  opinions: { Person: { reviews: reviewsOf }, Product: { reviews: reviewsOf } },
};
