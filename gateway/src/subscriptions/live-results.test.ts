import { SoukError } from '@souk/platform/errors';
import { describe, expect, it } from 'vitest';
import type { Watch } from './live-changes.ts';
import { type Answer, followResults, type LiveResult } from './live-results.ts';
import { SubscriptionOver } from './subscription-over.ts';

/** Follows answers that a test gives one after the other; the last one is given again and again. */
function openTest(first: Answer | Error, lastEventId?: string) {
  let now: Answer | Error = first;
  let asked = 0;
  let wake: (() => void) | undefined;
  let isNews = false;
  const leaving = new AbortController();
  const watch: Watch = {
    changed: (signal, atMostMs = 60_000) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer);
          isNews = false;
          wake = undefined;
          resolve(undefined);
        };
        const timer = setTimeout(end, atMostMs);
        signal.addEventListener('abort', end);
        wake = end;
        if (isNews || signal.aborted) end();
      }),
    lookAgain: () => {},
    stop: () => {},
  };
  const outcomes: string[] = [];
  return {
    outcomes,
    asked: () => asked,
    begin: () =>
      followResults({
        ask: async () => {
          asked++;
          if (now instanceof Error) throw now;
          return now;
        },
        responseName: 'order',
        watch,
        lastEventId,
        signal: leaving.signal,
        onLook: (outcome) => outcomes.push(outcome),
      }),
    become(next: Answer | Error) {
      now = next;
      isNews = true;
      wake?.();
    },
    leave: () => leaving.abort(),
  };
}

const order = (status: string): Answer => ({ data: { order: { status } } });
const failure = (code: string, data: Answer['data'] = { order: null }): Answer => ({
  data: data ?? null,
  errors: [{ message: 'No.', path: ['order'], extensions: { code, requestId: Math.random() } }],
});
const statusOf = ({ value }: IteratorResult<LiveResult, unknown>) =>
  ((value as LiveResult).payload.data?.['order'] as { status: string } | undefined)?.status;
const codesOf = async (promise: Promise<unknown>) => {
  const error = await promise.catch((thrown: unknown) => thrown);
  return error instanceof SubscriptionOver ? error.errors.map(({ extensions }) => extensions?.['code']) : error;
};

describe('what is delivered', () => {
  it('is what it is now, then what it becomes', async () => {
    const test = openTest(order('PAID'));
    const results = await test.begin();
    expect(statusOf(await results.next())).toBe('PAID');
    const next = results.next();
    test.become(order('SHIPPED'));
    expect(statusOf(await next)).toBe('SHIPPED');
    test.leave();
    expect((await results.next()).done).toBe(true);
  });

  it('is the newest, however often it has changed since it was last wanted', async () => {
    const test = openTest(order('A'));
    const results = await test.begin();
    await results.next();
    for (const status of ['B', 'C', 'D']) test.become(order(status));
    expect(statusOf(await results.next())).toBe('D');
    expect(test.asked()).toBe(2);
    test.leave();
  });

  it('is never the same twice, and what the client has counts', async () => {
    const first = openTest(order('A'));
    const { value } = await (await first.begin()).next();
    first.leave();
    const { eventId } = value as LiveResult;
    const second = openTest(order('A'), eventId);
    const results = await second.begin();
    const next = results.next();
    second.become({ ...order('A'), extensions: { cost: 1 } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    second.become(order('B'));
    expect(statusOf(await next)).toBe('B');
    expect(second.outcomes).toEqual(['same', 'same', 'delivered']);
    second.leave();
  });

  it('may lack a part that could not be had, which is asked for again', async () => {
    const test = openTest(failure('SUBGRAPH_UNAVAILABLE', { order: { status: 'A', customer: null } }));
    const results = await test.begin();
    expect((await results.next()).value).toMatchObject({ payload: { errors: [{ message: 'No.' }] } });
    const next = results.next();
    test.become(order('A'));
    expect(await next).toMatchObject({ value: { payload: { data: { order: { status: 'A' } } } } });
    test.leave();
  });
});

describe('what is not there', () => {
  it.each<[string, Answer | Error, unknown]>([
    ['is refused with its error', failure('FORBIDDEN'), ['FORBIDDEN']],
    ['is refused without one', { data: { order: null } }, ['BAD_USER_INPUT']],
    ['is refused where nothing was found out', failure('SUBGRAPH_UNAVAILABLE'), ['SUBGRAPH_UNAVAILABLE']],
    ['is refused where nobody may ask', new SoukError('UNAUTHENTICATED', 'No.'), ['UNAUTHENTICATED']],
  ])('%s', async (_, first, codes) => {
    expect(await codesOf(openTest(first).begin())).toEqual(codes);
  });

  it('any more ends it', async () => {
    const test = openTest(order('A'));
    const results = await test.begin();
    await results.next();
    const next = results.next();
    test.become(failure('FORBIDDEN'));
    expect(await codesOf(next)).toEqual(['FORBIDDEN']);
    expect((await results.next()).done).toBe(true);
  });

  it('for the moment is waited for', async () => {
    const test = openTest(order('A'));
    const results = await test.begin();
    await results.next();
    const next = results.next();
    test.become(failure('SUBGRAPH_TIMEOUT'));
    await expect.poll(() => test.outcomes).toContain('failed');
    test.become(new SoukError('SUBGRAPH_UNAVAILABLE', 'Not now.'));
    test.become(order('B'));
    expect(statusOf(await next)).toBe('B');
    test.leave();
  });
});
