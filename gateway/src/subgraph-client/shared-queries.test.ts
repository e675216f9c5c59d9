import type { Viewer } from '@souk/platform/identity';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerWith, cut, type FakeSubgraph, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { MUTATION, openSubgraphCaller, QUERY, type SubgraphCaller } from '../../test/subgraph-caller.ts';

const working = answerWith({ data: { order: { id: 'x' } } });
const isText = true;
const ada = { userId: 'ada', sessionId: '1', roles: [], scopes: new Set<string>() } satisfies Viewer;
let subgraph: FakeSubgraph;
let caller: SubgraphCaller;

beforeEach(async () => {
  subgraph = await startFakeSubgraph(working);
  caller = openSubgraphCaller([subgraph.url]);
  // The connection is there, so that what is measured is not how long it takes to come about.
  await caller.ask();
  subgraph.asked.length = 0;
});

afterEach(async () => {
  await caller.close();
  await subgraph.close();
});

/** Lets the subgraph answer queries when it is told to. */
function hold(): { answer(): void; untilAsked(count: number): Promise<void> } {
  const waiting: (() => void)[] = [];
  subgraph.behave((request, response) => {
    if (subgraph.asked.at(-1)?.startsWith('mutation')) return working(request, response);
    waiting.push(() => working(request, response));
  });
  return {
    answer: () => {
      for (const reply of waiting.splice(0)) reply();
    },
    untilAsked: (count) => vi.waitFor(() => expect(waiting.length).toBe(count), { timeout: 10_000 }),
  };
}

describe('equal queries at the same time', () => {
  it('are sent once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => caller.ask(QUERY, { isText })));
    expect(subgraph.asked).toEqual([QUERY]);
    expect(answers).toEqual(Array(5).fill({ data: { order: { id: 'x' } } }));
  });

  it('are sent again once they are answered', async () => {
    await caller.ask(QUERY, { isText });
    await caller.ask(QUERY, { isText });
    expect(subgraph.asked).toHaveLength(2);
  });

  it('are different queries with other variables', async () => {
    await Promise.all([1, 2].map((id) => caller.ask(QUERY, { isText, variables: { id } })));
    expect(subgraph.asked).toHaveLength(2);
  });

  it('are different queries for another viewer', async () => {
    await Promise.all([
      caller.ask(QUERY, { isText }),
      caller.ask(QUERY, { isText, viewer: ada }),
      caller.ask(QUERY, { isText, viewer: ada }),
      caller.ask(QUERY, { isText, viewer: { ...ada, userId: 'bo' } }),
    ]);
    expect(subgraph.asked).toHaveLength(3);
  });

  it('fail for all who wait', async () => {
    subgraph.behave(cut);
    const answers = await Promise.all([caller.ask(QUERY, { isText }), caller.ask(QUERY, { isText })]);
    for (const { errors } of answers) expect(errors).toMatchObject([{ path: ['order'] }]);
    subgraph.behave(working);
    expect((await caller.ask(QUERY, { isText })).errors).toBeUndefined();
  });

  it('that were sent as objects are sent each by itself, for whoever may change what he gets', async () => {
    await Promise.all([caller.ask(QUERY), caller.ask(QUERY)]);
    expect(subgraph.asked).toHaveLength(2);
  });
});

describe('a client that hangs up', () => {
  it('leaves the answer to those who wait', async () => {
    const held = hold();
    const first = new AbortController();
    const [one, other] = [caller.ask(QUERY, { isText, hungUp: first.signal }), caller.ask(QUERY, { isText })];
    await held.untilAsked(1);
    first.abort();
    expect((await one).errors).toHaveLength(1);
    held.answer();
    expect((await other).errors).toBeUndefined();
    expect(subgraph.asked).toHaveLength(1);
  });

  it('ends the query when nobody else waits, and nobody joins it any more', async () => {
    const held = hold();
    const clients = [new AbortController(), new AbortController()];
    const asked = clients.map(({ signal }) => caller.ask(QUERY, { isText, hungUp: signal }));
    await held.untilAsked(1);
    for (const client of clients) client.abort();
    await Promise.all(asked);
    expect(await caller.outcomes('given-up')).toBe(1);
    subgraph.behave(working);
    expect((await caller.ask(QUERY, { isText })).errors).toBeUndefined();
  });
});

describe('a mutation', () => {
  it('keeps queries after it from joining one that began before it', async () => {
    const held = hold();
    const before = caller.ask(QUERY, { isText });
    await held.untilAsked(1);
    await caller.ask(MUTATION, { isText });
    const after = caller.ask(QUERY, { isText });
    await held.untilAsked(2);
    held.answer();
    await Promise.all([before, after]);
  });

  it('keeps queries after it from joining one that began while it was under way', async () => {
    const held = hold();
    const mutation = caller.ask(MUTATION, { isText });
    const meanwhile = caller.ask(QUERY, { isText });
    await mutation;
    await held.untilAsked(1);
    const after = caller.ask(QUERY, { isText });
    await held.untilAsked(2);
    held.answer();
    await Promise.all([meanwhile, after]);
  });

  it('is never shared', async () => {
    await Promise.all([caller.ask(MUTATION, { isText }), caller.ask(MUTATION, { isText })]);
    expect(subgraph.asked).toEqual([MUTATION, MUTATION]);
  });
});
