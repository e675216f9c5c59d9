import { trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { answerWith, cut, type FakeSubgraph, say500, startFakeSubgraph } from '../../../platform/test/fake-subgraph.ts';
import { traceThisTest } from '../../../platform/test/tracing.ts';
import { MUTATION, openSubgraphCaller, type SubgraphCaller } from '../../test/subgraph-caller.ts';

const working = answerWith({ data: { order: { id: 'x' } } });
const subgraphs: FakeSubgraph[] = [];
let caller: SubgraphCaller;

async function start(count: number): Promise<FakeSubgraph[]> {
  for (let started = 0; started < count; started++) subgraphs.push(await startFakeSubgraph());
  caller = openSubgraphCaller(subgraphs.map(({ url }) => url));
  return subgraphs;
}

/** Lets a subgraph fail each so many-th time it is asked. */
function failEach(fake: FakeSubgraph, each: number, failure = cut): void {
  let asked = 0;
  fake.behave((request, response) => (++asked % each === 0 ? failure : working)(request, response));
}

const reached = () => subgraphs.reduce((sum, { asked }) => sum + asked.length, 0);

afterEach(async () => {
  await Promise.all(subgraphs.splice(0).map((fake) => fake.close()));
  await caller.close();
});

describe('a query that fails', () => {
  it('is sent once more, as long as no more than a tenth of all are', async () => {
    const [fake] = await start(1);
    if (fake) failEach(fake, 3);
    let lost = 0;
    for (let count = 0; count < 300; count++) if ((await caller.ask()).errors) lost++;
    expect(reached()).toBeGreaterThan(310);
    // One of them is granted before there were others.
    expect(reached()).toBeLessThanOrEqual(331);
    expect(lost).toBeGreaterThan(50);
    expect(lost).toBeLessThan(100);
  });

  it('is answered by another address', async () => {
    const [one, other] = await start(2);
    for (let count = 0; count < 40; count++) await caller.ask();
    one?.behave(say500);
    for (let count = 0; count < 2; count++) expect((await caller.ask()).errors).toBeUndefined();
    expect(one?.asked.length).toBeGreaterThan(20);
    expect(other?.asked).toHaveLength(22);
  });

  it('is not sent again to the one address that says it cannot', async () => {
    const [fake] = await start(1);
    for (let count = 0; count < 40; count++) await caller.ask();
    fake?.behave(say500);
    expect((await caller.ask()).errors).toHaveLength(1);
    expect(reached()).toBe(41);
  });
});

describe('a query that is traced', () => {
  it('stands in the same trace when it is sent again', async () => {
    traceThisTest();
    const [fake] = await start(1);
    const parents: unknown[] = [];
    fake?.behave((request, response) => {
      parents.push(request.headers['traceparent']);
      (parents.length === 1 ? cut : working)(request, response);
    });
    await trace.getTracer('test').startActiveSpan('request', async (span) => {
      expect((await caller.ask()).errors).toBeUndefined();
      const inThisTrace = expect.stringContaining(span.spanContext().traceId);
      expect(parents).toEqual([inThisTrace, inThisTrace]);
    });
  });
});

describe('queries that share a connection', () => {
  /** Enough to know that answers are quick. */
  const warmUp = async () => {
    for (let count = 0; count < 240; count++) await caller.ask();
    for (const fake of subgraphs) fake.asked.length = 0;
  };

  it('are all answered when it breaks, and only the one at which it did counts as repeated', async () => {
    const [fake] = await start(1);
    await warmUp();
    let asked = 0;
    fake?.behave((request, response) => (asked++ === 0 ? cut : working)(request, response));
    expect(await caller.askAtOnce(8)).toEqual(Array(8).fill('answered'));
    expect(await caller.retries()).toBe(1);
    expect(reached()).toBeLessThanOrEqual(16);
  });

  it('are all answered when the other side leaves', async () => {
    const [leaving] = await start(2);
    await warmUp();
    leaving?.behave((request, response) => working(request, response.setHeader('connection', 'close')));
    expect(await caller.askAtOnce(40)).toEqual(Array(40).fill('answered'));
    expect(reached()).toBeLessThanOrEqual(80);
  });

  it('are each sent three times at most when every connection breaks', async () => {
    const [fake] = await start(1);
    await warmUp();
    fake?.behave(cut);
    expect(new Set(await caller.askAtOnce(16))).toEqual(new Set(['SUBGRAPH_UNAVAILABLE']));
    expect(reached()).toBeLessThanOrEqual(3 * 16);
  });
});

describe('a mutation that fails', () => {
  it('is never sent again', async () => {
    const [one] = await start(2);
    for (let count = 0; count < 40; count++) await caller.ask();
    for (const fake of subgraphs) fake.behave(cut);
    const before = reached();
    expect((await caller.ask(MUTATION)).errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_TIMEOUT' } }]);
    one?.behave(say500);
    await caller.ask(MUTATION);
    expect(reached()).toBe(before + 2);
  });
});
