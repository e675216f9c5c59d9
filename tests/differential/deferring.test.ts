import { afterAll, beforeAll, expect, describe as group, it } from 'vitest';
import { differenceOf } from './comparison.ts';
import {
  comparisonOfParts,
  deferring,
  openDeferringGateway,
  openPlannedGateway,
  openWholeGateway,
} from './deferring.ts';
import type { TestedGateway } from './gateways.ts';
import { openGraph } from './graphs.ts';
import { compare, type Gateways, type Run } from './run.ts';
import { describe, runSeries, shareOf } from './series.ts';

it.each([
  ['souk-storefront', 0.4],
  ['library', 0.3],
] as const)('gives in parts what the stock gateway gives whole, %s', { timeout: 900_000 }, async (graph, share) => {
  const series = await runSeries({ graph, seed: 'deferred', operations: 400, ...deferring });
  expect(series.differences.map(describe)).toEqual([]);
  expect(series.operations).toBe(400);
  expect(series.failed).toBeGreaterThan(160);
  expect(shareOf(series, 'deferred')).toBeGreaterThan(share);
  // What is held against the plan in parts only shows less.
  expect([...series.dependences.values()].reduce((sum, count) => sum + count, 0)).toBeLessThan(4);
});

it('finds the difference of parts that cannot be put together', () => {
  const { apiSchema } = openGraph('library');
  const operation = { query: '{ ... @defer { about } }', variables: {} };
  const body = comparisonOfParts(apiSchema, operation, { data: {} }, []);
  expect(differenceOf({ status: 200, body: '{"data":[]}' }, { status: 200, body })).toMatch('There are no parts.');
});

/** Whole, the id of a brand comes from where the brand is named, the subgraph `user`; in parts it comes from `catalog`. */
group('when a subgraph fails that only one of the plans depends on', () => {
  const graph = openGraph('souk-storefront');
  const operation = {
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Brand { x: id } } }',
    variables: { ids: ['id-1'] },
  };
  const inParts = () => ({
    ...operation,
    query: operation.query.replace('... on Brand', '__typename ... on Brand @defer'),
  });
  const whole = '{"data":[["nodes",[[],[["x","Brand-id-4"]],[["x","Brand-id-1"]]]]]}';
  const lost = '{"errors":["some"],"data":[["nodes",[[],null,null]]]}';
  let gateways: Gateways;

  beforeAll(async () => {
    gateways = {
      expected: await openWholeGateway(graph),
      actual: await openDeferringGateway(graph, inParts),
      planned: await openPlannedGateway(graph, inParts),
      askAlike: false,
    };
  });
  afterAll(() => Promise.all([gateways.expected, gateways.actual, gateways.planned].map((each) => each?.close())));

  const withFailing = (...failing: string[]): Run => ({
    // That of a run by chance in which it was met.
    seed: 'endurance/souk-storefront/1623',
    operation,
    world: { graph, seed: 'endurance/souk-storefront/1623', nullPercent: 0, unknownPercent: 0, texts: 'plain' },
    failing: new Map(failing.map((name) => [name, 'status 500 with a page'])),
    reading: 'souk',
  });
  const answering = (body: string, ...asked: string[]): TestedGateway => ({
    async run({ query }, circumstances) {
      circumstances?.sent.push(...asked.map((subgraph) => ({ subgraph, query, variables: {} })));
      return { status: 200, body };
    },
    close: async () => {},
  });

  it('lets the answer in parts be as right as the whole one, and says which subgraph that is', async () => {
    const { expected, actual, difference, dependence } = await compare(withFailing('catalog'), gateways);
    expect(expected.body).toBe(whole);
    expect(actual.body).toBe(lost);
    expect(difference).toBeUndefined();
    expect(dependence).toEqual(['catalog']);
  });

  it('finds one answer while that one is well', async () => {
    const { actual, difference, dependence } = await compare(withFailing(), gateways);
    expect(actual.body).toBe(whole);
    expect([difference, dependence]).toEqual([undefined, undefined]);
  });

  it.each([
    ['the same answer while no subgraph fails', [], lost],
    ['the same answer while another subgraph fails', ['search'], lost],
    ['an answer that loses more', ['catalog'], '{"errors":["some"],"data":[["nodes",null]]}'],
    ['an answer that loses less', ['catalog'], '{"errors":["some"],"data":[["nodes",[[],null,[["x","Brand-id-1"]]]]]}'],
    ['an answer with something else in it', ['catalog'], lost.replace('[],null', '[],["x","Brand-id-7"]')],
    ['an answer that does not tell of it', ['catalog'], lost.replace('"errors":["some"],', '')],
  ])('finds the difference of %s', async (_answer, failing, body) => {
    const { difference } = await compare(withFailing(...failing), { ...gateways, actual: answering(body) });
    expect(difference).toMatch('differ');
  });

  it('lets one be right that does without a subgraph', async () => {
    const { difference, dependence } = await compare(withFailing('user'), { ...gateways, actual: answering(whole) });
    expect(difference).toBeUndefined();
    expect(dependence).toEqual(['user']);
  });

  it.each([
    ['one that asked it', answering(whole, 'user')],
    ['one that lost something nevertheless', answering(lost)],
  ])('finds the difference of %s', async (_answer, actual) => {
    const { difference } = await compare(withFailing('user'), { ...gateways, actual });
    expect(difference).toMatch('differ');
  });

  it.each([
    ['is wrong while all subgraphs are well', () => true],
    ['depends on no single subgraph', (failing: number) => failing > 1],
  ])('does not go by a plan that %s', async (_plan, isWrong) => {
    const actual = answering(lost);
    const planned: TestedGateway = {
      ...actual,
      run: async (_operation, circumstances) => ({
        status: 200,
        body: isWrong(circumstances?.failing.size ?? 0) ? lost : whole,
      }),
    };
    const { difference } = await compare(withFailing('catalog', 'search'), { ...gateways, actual, planned });
    expect(difference).toMatch('differ');
  });
});
