import { documentHash } from '@souk/platform/document-hash';
import { type GraphQLSchema, parse } from 'graphql';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { answering, compose, type TinyAnswer } from '../../test/tiny-graph.ts';
import { shop } from '../../test/tiny-shop.ts';
import { createCompiledGateway } from './compiled-gateway.ts';
import type { Executor } from './engine.ts';
import type { SubgraphAnswer } from './run.ts';
import type { WritingDataSource } from './send.ts';
import { WrittenData } from './written-data.ts';

const query = 'query Rush($upc: ID!) { product(upc: $upc) { title inStock price { amount } } }';
/** Who asks, as the context of a request. */
interface Client {
  name: string;
}
let execute: Executor;
let schema: GraphQLSchema;
/** What a subgraph answers a client: the same object for all, unless a test wants another. */
let given: (answer: Promise<SubgraphAnswer>, client: Client) => Promise<SubgraphAnswer>;
let bodies: string[];

beforeAll(async () => {
  const answerOf = answering(shop);
  const shared = new Map<string, Promise<SubgraphAnswer>>();
  const asIs = ({ data }: TinyAnswer) => ({ data, mustEscape: true });
  const gateway = createCompiledGateway({
    supergraphSdl: compose(shop),
    givesText: true,
    buildService: ({ name }) =>
      ({
        async send({ body }, context) {
          bodies.push(body);
          const known = shared.get(body) ?? answerOf(name, JSON.parse(body)).then(asIs);
          shared.set(body, known);
          return given(known, context as Client);
        },
      }) as WritingDataSource,
  });
  gateway.onSchemaLoadOrUpdate(({ apiSchema }) => {
    schema = apiSchema;
  });
  const { executor } = await gateway.load({ apollo: {} } as never);
  execute = executor;
});

beforeEach(() => {
  given = (answer) => answer;
  bodies = [];
});

async function ask(name: string, upc = 'p1'): Promise<WrittenData> {
  const { data, errors } = await execute({
    request: { query, variables: { upc } },
    document: parse(query),
    schema,
    source: query,
    queryHash: documentHash(query),
    operationName: 'Rush',
    context: { name },
  } as never);
  expect(errors).toBeUndefined();
  expect(data).toBeInstanceOf(WrittenData);
  return data as object as WrittenData;
}

it('those who are given the same by subgraphs at the same time share one text', async () => {
  const [alone] = await Promise.all([ask('ada')]);
  const [one, other, third] = await Promise.all([ask('ada'), ask('ben'), ask('cleo')]);
  expect([other, third]).toEqual([one, one]);
  expect(other).toBe(one);
  expect(third).toBe(one);
  expect(one.text).toBe(alone.text);
  // Answers are not kept for those who come later.
  expect(alone).not.toBe(one);
});

it('whoever is given something of his own gets it, and asks with it', async () => {
  given = async (answer, { name }) => {
    const { data, mustEscape } = await answer;
    const text = JSON.stringify(data);
    // Of the first subgraph, whose answer the others are asked with.
    return name === 'ben' && text.includes('"product"')
      ? { data: JSON.parse(text.replace(/"title":"[^"]*"/, '"title":"For Ben"')), mustEscape }
      : await answer;
  };
  const [ada, ben, cleo] = await Promise.all([ask('ada'), ask('ben'), ask('cleo')]);
  expect(ben.text).toContain('For Ben');
  expect(ada.text).not.toContain('Ben');
  expect(cleo.text).toBe(ada.text);
});

it('an answer that differs in the end only makes a text of its own', async () => {
  given = async (answer, { name }) => {
    const { data, mustEscape } = await answer;
    const text = JSON.stringify(data);
    return name === 'ben' && text.includes('"amount"')
      ? { data: JSON.parse(text.replace(/"amount":\d+/g, '"amount":1')), mustEscape }
      : await answer;
  };
  const [ada, ben] = await Promise.all([ask('ada'), ask('ben')]);
  expect(ben.text).toContain('"amount":1}');
  expect(ada.text).not.toBe(ben.text);
});

it('other variables make other requests', async () => {
  const [one, other] = await Promise.all([ask('ada', 'p1'), ask('ben', 'p2')]);
  expect(one.text).not.toBe(other.text);
  expect(bodies.filter((body) => body.includes('"p1"')).length).toBeGreaterThan(0);
  expect(bodies.filter((body) => body.includes('"p2"')).length).toBeGreaterThan(0);
});
