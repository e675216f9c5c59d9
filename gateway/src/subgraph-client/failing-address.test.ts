import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  answerWith,
  cut,
  type FakeSubgraph,
  hang,
  say500,
  startFakeSubgraph,
} from '../../../platform/test/fake-subgraph.ts';
import { hasty, MUTATION, openSubgraphCaller, type SubgraphCaller } from '../../test/subgraph-caller.ts';

const working = answerWith({ data: { order: { id: 'x' } } });
const CLOSED = 0;
const OPEN = 1;
let subgraph: FakeSubgraph | undefined;
let child: ChildProcess | undefined;
let caller: SubgraphCaller;

async function start(
  listener?: RequestListener,
  options: Parameters<typeof openSubgraphCaller>[1] = {},
): Promise<FakeSubgraph> {
  subgraph = await startFakeSubgraph(listener);
  caller = openSubgraphCaller([subgraph.url], options);
  return subgraph;
}

const state = async () => Object.values(await caller.breakers())[0];
const untilItAnswers = () =>
  vi.waitFor(async () => expect((await caller.ask()).errors).toBeUndefined(), { timeout: 10_000, interval: 50 });

afterEach(async () => {
  child?.kill('SIGKILL');
  await subgraph?.close();
  await caller.close();
  child = undefined;
  subgraph = undefined;
});

describe('a subgraph that fails', () => {
  it.each<[string, RequestListener]>([
    ['says 500 to everything', say500],
    ['cuts every connection', cut],
    ['answers no JSON', (_, response) => response.end('<html>')],
    ['never answers', hang],
  ])('gets a rest when it %s, and work again once it answers, without a restart', async (_, listener) => {
    const fake = await start(listener, listener === hang ? hasty : {});
    await caller.askAtOnce(20);
    expect(await state()).toBe(OPEN);
    const before = fake.asked.length;
    const refused = await caller.ask();
    expect(refused.errors).toMatchObject([
      { path: ['order'], extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true, retryAfterMs: 1_000 } },
    ]);
    await caller.askAtOnce(200, MUTATION);
    expect(fake.asked).toHaveLength(before);
    expect(await caller.outcomes('resting')).toBe(201);

    // It is looked at by something else than what clients want.
    await vi.waitFor(() => expect(fake.looks).toBeGreaterThan(0), 5_000);
    expect(fake.asked).toHaveLength(before);
    fake.behave(working);
    await untilItAnswers();
    expect(await state()).toBe(CLOSED);
    expect(await caller.askAtOnce(20)).toEqual(Array(20).fill('answered'));
  });

  it('is back when a mutation is the first to come', async () => {
    const fake = await start(say500);
    await caller.askAtOnce(20);
    fake.behave(answerWith({ data: { orderCancel: { id: 'x' } } }));
    await vi.waitFor(async () => expect((await caller.ask(MUTATION)).errors).toBeUndefined(), {
      timeout: 10_000,
      interval: 50,
    });
    expect(await state()).toBe(CLOSED);
  });

  it('is back after it was dead', async () => {
    const fake = await start();
    await caller.ask();
    await fake.die();
    await caller.askAtOnce(30);
    expect(await state()).toBe(OPEN);
    await fake.live();
    await untilItAnswers();
  });

  it('loses one request at a time when it answers trifles and nothing else', async () => {
    const trifling: RequestListener = (request, response) =>
      (Number(request.headers['content-length']) < 30 ? answerWith({ data: { __typename: 'Query' } }) : say500)(
        request,
        response,
      );
    const fake = await start(trifling);
    await caller.askAtOnce(20);
    const before = fake.asked.length;
    await vi.waitFor(
      async () => {
        await caller.askAtOnce(5);
        expect(fake.asked.length).toBeGreaterThan(before + 1);
      },
      { timeout: 10_000, interval: 20 },
    );
    expect(fake.asked).toHaveLength(before + 2);
    expect(await state()).toBe(OPEN);
  });

  it('is noticed before anybody’s time is up when it hangs', async () => {
    await start(hang, hasty);
    const lost = caller.askAtOnce(20);
    let areLost = false;
    void lost.then(() => {
      areLost = true;
    });
    await vi.waitFor(async () => expect(await state()).toBe(OPEN), { interval: 5 });
    expect(areLost).toBe(false);
    expect(await lost).toEqual(Array(20).fill('SUBGRAPH_TIMEOUT'));
  });
});

describe('a frozen process', () => {
  it('gets a rest, and work again when it goes on', async () => {
    const program = `
      const server = require('node:http').createServer((request, response) => response.end('{"data":{"order":null}}'));
      server.listen(0, '127.0.0.1', () => process.send(server.address().port));`;
    child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const [port] = await once(child, 'message');
    caller = openSubgraphCaller([`http://127.0.0.1:${port}/graphql`], hasty);
    expect(await caller.askAtOnce(5)).toEqual(Array(5).fill('answered'));
    child.kill('SIGSTOP');
    expect(await caller.askAtOnce(30)).toEqual(Array(30).fill('SUBGRAPH_TIMEOUT'));
    expect(await caller.askAtOnce(30)).toEqual(Array(30).fill('SUBGRAPH_UNAVAILABLE'));
    expect(await caller.outcomes('resting')).toBe(30);
    child.kill('SIGCONT');
    await untilItAnswers();
    expect(await state()).toBe(CLOSED);
  });
});

describe('a subgraph that works', () => {
  it.each<[string, RequestListener]>([
    ['answers with errors', answerWith({ data: { order: null }, errors: [{ message: 'no' }] })],
    ['answers too much', answerWith({ data: { order: 'x'.repeat(5 * 1024 * 1024) } })],
  ])('gets no rest when it %s', async (_, listener) => {
    const fake = await start(listener);
    await caller.askAtOnce(20);
    await caller.askAtOnce(10);
    expect(fake.asked).toHaveLength(30);
    expect(await state()).toBe(CLOSED);
  });

  it('is not blamed for clients that hang up', async () => {
    const fake = await start(hang);
    const client = new AbortController();
    const asked = Array.from({ length: 20 }, () => caller.ask(undefined, { hungUp: client.signal }));
    await vi.waitFor(() => expect(fake.asked).toHaveLength(20), { interval: 5 });
    client.abort();
    await Promise.all(asked);
    expect(await state()).toBe(CLOSED);
  });

  it('may be slow, as long as it answers somebody', async () => {
    let asked = 0;
    const slowly: RequestListener = (request, response) =>
      void setTimeout(() => working(request, response), ++asked % 4 === 0 ? 50 : 2_000);
    await start(slowly, { queryTimeoutMs: 3_000 });
    const answers: Promise<string[]>[] = [];
    for (let count = 0; count < 40; count++) {
      answers.push(caller.askAtOnce(1));
      await delay(20);
    }
    expect((await Promise.all(answers)).flat()).toEqual(Array(40).fill('answered'));
    expect(await state()).toBe(CLOSED);
  });

  it('is not blamed for requests whose time was spent waiting', async () => {
    const answers: (() => void)[] = [];
    const fake = await start((request, response) => answers.push(() => working(request, response)), {
      queryTimeoutMs: 3_000,
    });
    const mutations = caller.askAtOnce(64, MUTATION);
    await vi.waitFor(() => expect(answers).toHaveLength(64));
    const queries = caller.askAtOnce(30);
    await delay(2_000);
    for (const answer of answers.splice(0)) answer();
    expect(await mutations).toEqual(Array(64).fill('answered'));
    expect(await queries).toEqual(Array(30).fill('SUBGRAPH_TIMEOUT'));
    expect(fake.asked).toHaveLength(94);
    expect(await state()).toBe(CLOSED);
  });

  it('may take longer for mutations', async () => {
    await start((request, response) => setTimeout(() => working(request, response), 200), {
      queryTimeoutMs: 100,
    });
    expect(await caller.askAtOnce(20, MUTATION)).toEqual(Array(20).fill('answered'));
    expect(await state()).toBe(CLOSED);
  });
});
