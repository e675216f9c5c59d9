import { operationFromDocument, Supergraph } from '@apollo/federation-internals';
import { prettyFormatQueryPlan, QueryPlanner } from '@apollo/query-planner';
import { parse } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { openGraph } from './graphs.ts';

let planOf: (query: string) => string;

beforeAll(() => {
  const supergraph = Supergraph.build(openGraph('library').supergraphSdl);
  const planner = new QueryPlanner(supergraph);
  planOf = (query) =>
    prettyFormatQueryPlan(planner.buildQueryPlan(operationFromDocument(supergraph.apiSchema(), parse(query)))).replace(
      /\s+/g,
      ' ',
    );
});

/** Of these the differential test with `@defer` has none. Where one fails, the planner has been mended, and that test can have more. */
describe('the stock planner', () => {
  it('asks for the type of an object together with the field beside it, where all go by the name of the interface', () => {
    expect(planOf('{ books { __typename rating } }')).toContain(
      'Fetch(service: "reviews") { { ... on Book { __typename id } } => { ... on Work { __typename rating } } }',
    );
  });

  it('requires of all objects what it has asked of those of one type', () => {
    const plan = planOf('{ allSeries { works { rating ... on Book { summary } } } }');
    expect(plan).toContain('works { __typename id ... on Book { __typename id language } }');
    expect(plan).toContain('... on Work { __typename id language }');
  });

  it('does not tell a field that is required with an argument from the same field with another one', () => {
    const plan = planOf('{ books { weight postage } }');
    expect(plan).toContain('... on Book { __typename isbn pages weight }');
    expect(plan).not.toContain('KILOGRAM');
  });

  it('asks an interface object once, whatever the arguments are for each type', () => {
    const plan = planOf(
      '{ allSeries { works { ... on Film { popularity(window: DAY) } ... on Recording { popularity(window: YEAR) } } } }',
    );
    expect(plan).toContain('DAY');
    expect(plan).not.toContain('YEAR');
  });

  it('asks at once, too, for what two fields require and what itself requires others', () => {
    const plan = planOf('{ copies { value { amount } book { priceByPost } } }');
    expect(plan).toContain('copies { __typename barcode condition book { __typename isbn postage } }');
    expect(plan).toContain('... on Book { __typename pages weight isbn } } => { ... on Book { postage } }');
  });

  it('cannot plan the type of an interface object within a fragment of another interface', () => {
    expect(() => planOf('{ latestReviews { work { ... on Titled { __typename } } } }')).toThrow('__typename');
  });
});
