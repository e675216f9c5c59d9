import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  answerWith,
  cut,
  type FakeSubgraph,
  hang,
  say500,
  startFakeSubgraph,
} from '../../platform/test/fake-subgraph.ts';
import { hasty, MUTATION, openSubgraphCaller, QUERY, type SubgraphCaller } from '../test/subgraph-caller.ts';

const TWICE = '{ order { id } again: order { id } }';
let subgraph: FakeSubgraph;
let caller: SubgraphCaller;

async function start(
  listener?: RequestListener,
  options: Parameters<typeof openSubgraphCaller>[1] = {},
): Promise<void> {
  subgraph = await startFakeSubgraph(listener);
  caller = openSubgraphCaller([subgraph.url], options);
}

afterEach(async () => {
  await subgraph.close();
  await caller.close();
});

describe('a subgraph client', () => {
  it('says who asks, for which request, and until when', async () => {
    await start(undefined, hasty);
    const before = Date.now();
    await caller.ask();
    expect(subgraph.headers).toMatchObject({
      'souk-assertion': expect.stringMatching(/^signed for order/),
      'x-request-id': 'request-1',
    });
    const deadlineAt = Number(subgraph.headers['souk-deadline']);
    expect(deadlineAt).toBeGreaterThanOrEqual(before + 300);
    expect(deadlineAt).toBeLessThanOrEqual(Date.now() + 300);
  });

  it('says with a mutation from where it came, and not with a query, which may be asked for several clients at once', async () => {
    await start();
    await caller.ask(MUTATION);
    expect(subgraph.headers).toMatchObject({ 'souk-client-ip': '192.0.2.7', 'souk-client-agent': 'test' });
    await caller.ask(QUERY);
    expect(subgraph.headers).not.toHaveProperty('souk-client-ip');
    expect(subgraph.headers).not.toHaveProperty('souk-client-agent');
  });

  it('passes data and errors of the subgraph on', async () => {
    const answer = {
      data: { order: { id: 'x' } },
      errors: [{ message: 'no', path: ['again'], extensions: { code: 'FORBIDDEN' } }],
    };
    await start(answerWith(answer));
    expect(await caller.ask(TWICE)).toEqual(answer);
    expect(await caller.outcomes('answered')).toBe(1);
  });

  it.each<[string, RequestListener, string, boolean]>([
    ['says 500', say500, 'SUBGRAPH_UNAVAILABLE', true],
    [
      'does not believe the gateway',
      (_, response) => response.writeHead(401).end('{"errors":[]}'),
      'SUBGRAPH_UNAVAILABLE',
      true,
    ],
    ['hangs up', cut, 'SUBGRAPH_UNAVAILABLE', true],
    [
      'hangs up after its headers',
      (request, response) => {
        response.write('{"data":');
        setImmediate(() => request.socket.resetAndDestroy());
      },
      'SUBGRAPH_UNAVAILABLE',
      true,
    ],
    ['answers something else than JSON', (_, response) => response.end('<html>'), 'SUBGRAPH_UNAVAILABLE', true],
    ['answers other JSON', answerWith([]), 'SUBGRAPH_UNAVAILABLE', true],
    ['answers null', answerWith(null), 'SUBGRAPH_UNAVAILABLE', true],
    [
      'answers too much',
      answerWith({ data: { order: 'x'.repeat(5 * 1024 * 1024) } }),
      'SUBGRAPH_UNAVAILABLE',
      // It would be too much again.
      false,
    ],
    ['never answers', hang, 'SUBGRAPH_TIMEOUT', true],
    ['stops in the middle', (_, response) => void response.write('{"data":'), 'SUBGRAPH_TIMEOUT', true],
  ])(
    'gives each lost field an error and nothing internal when the subgraph %s',
    async (_, listener, code, retryable) => {
      await start(listener, hasty);
      const { data, errors } = await caller.ask(TWICE);
      expect(data).toBeNull();
      expect(errors).toMatchObject([
        { path: ['order'], extensions: { code, retryable } },
        { path: ['again'], extensions: { code, retryable } },
      ]);
      expect(JSON.stringify(errors)).not.toMatch(/127\.0\.0\.1|secret|html|ECONN/);
    },
  );

  it('names the fields of entities by their place in the entity', async () => {
    await start(cut);
    const { errors } = await caller.ask(
      'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Order { payments { id } due: amountDue { amount } } } }',
    );
    expect(errors?.map(({ path }) => path)).toEqual([
      ['_entities', 0, 'payments'],
      ['_entities', 0, 'due'],
    ]);
  });
});

describe('a mutation without an answer', () => {
  const placed = 'mutation ($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } } }';
  const withKey = { input: { cartId: 'c', idempotencyKey: 'k' } };

  it.each<[string, RequestListener]>([
    ['never answers', hang],
    ['hangs up', cut],
    ['says 500', say500],
    ['answers something else than JSON', (_, response) => response.end('<html>')],
    ['answers too much', answerWith({ data: 'x'.repeat(5 * 1024 * 1024) })],
  ])(
    'is of unknown outcome when the subgraph %s: it was sent once, and is safe to repeat by its key only',
    async (_, listener) => {
      await start(listener, hasty);
      const { data, errors } = await caller.ask(MUTATION);
      expect(data).toBeNull();
      expect(errors).toMatchObject([
        {
          path: ['orderCancel'],
          message: expect.stringMatching(/Look whether it was done/),
          extensions: { code: 'SUBGRAPH_TIMEOUT', retryable: false },
        },
      ]);
      for (const [query, variables] of [
        [placed, withKey],
        ['mutation { orderPlace(input: { idempotencyKey: "k" }) { order { id } } }', {}],
      ] as const) {
        expect((await caller.ask(query, { variables })).errors).toMatchObject([
          {
            path: ['orderPlace'],
            message: expect.stringMatching(/the same idempotencyKey/),
            extensions: { code: 'SUBGRAPH_TIMEOUT', retryable: true },
          },
        ]);
      }
      expect((await caller.ask(placed, { variables: { input: { cartId: 'c' } } })).errors).toMatchObject([
        { extensions: { retryable: false } },
      ]);
      expect(subgraph.asked).toHaveLength(4);
    },
  );

  it('was not done, and says so, when there was no connection or the gateway is not believed', async () => {
    await start((_, response) => response.writeHead(401).end('{"errors":[]}'));
    const notDone = [
      {
        path: ['orderCancel'],
        message: expect.stringMatching(/Nothing was changed/),
        extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true },
      },
    ];
    expect((await caller.ask(MUTATION)).errors).toMatchObject(notDone);
    await subgraph.die();
    expect((await caller.ask(MUTATION)).errors).toMatchObject(notDone);
  });
});

describe('a client that hangs up', () => {
  it('ends its query at the subgraph', async () => {
    const { promise: asked, resolve: arrive } = Promise.withResolvers<void>();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    await start((request) => {
      request.socket.once('close', end);
      arrive();
    });
    const client = new AbortController();
    const answer = caller.ask(QUERY, { hungUp: client.signal });
    await asked;
    client.abort();
    await answer;
    await ended;
    expect(await caller.outcomes('given-up')).toBe(1);
    await caller.ask(QUERY, { hungUp: client.signal });
    expect(subgraph.asked).toHaveLength(1);
  });

  it('does not end its mutation', async () => {
    const client = new AbortController();
    await start((request, response) => {
      client.abort();
      setTimeout(() => answerWith({ data: { orderCancel: { id: 'x' } } })(request, response), 50);
    });
    expect(await caller.ask(MUTATION, { hungUp: client.signal })).toEqual({ data: { orderCancel: { id: 'x' } } });
  });
});

describe('a slow subgraph', () => {
  it('has 64 requests under way and 192 waiting; the next is refused at once, and those that wait follow in turn', async () => {
    const answers: (() => void)[] = [];
    await start((request, response) =>
      answers.push(() => answerWith({ data: { order: { id: 'x' } } })(request, response)),
    );
    const first = caller.askAtOnce(256);
    await vi.waitFor(() => expect(subgraph.asked).toHaveLength(64));
    expect(await caller.queueLength()).toBe(192);
    expect((await caller.ask()).errors).toMatchObject([
      { extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true, retryAfterMs: 1_000 } },
    ]);
    expect((await caller.ask(MUTATION)).errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }]);
    expect(await caller.outcomes('full')).toBe(2);
    expect(subgraph.asked).toHaveLength(64);

    for (let answered = 0; answered < 256; answered++) {
      await vi.waitFor(() => expect(answers.length).toBeGreaterThan(0));
      answers.shift()?.();
    }
    expect(new Set(await first)).toEqual(new Set(['answered']));
    expect(await caller.queueLength()).toBe(0);
  });

  it('does not keep places for those who have given up waiting', async () => {
    const answers: (() => void)[] = [];
    await start((request, response) =>
      answers.push(() => answerWith({ data: { order: { id: 'x' } } })(request, response)),
    );
    const client = new AbortController();
    const first = caller.askAtOnce(64);
    await vi.waitFor(() => expect(subgraph.asked).toHaveLength(64));
    const waiting = Array.from({ length: 192 }, () => caller.ask(QUERY, { hungUp: client.signal }));
    await vi.waitFor(async () => expect(await caller.queueLength()).toBe(192));
    client.abort();
    await Promise.all(waiting);
    expect(await caller.queueLength()).toBe(0);
    expect(subgraph.asked).toHaveLength(64);
    for (const answer of answers) answer();
    await first;
    subgraph.behave(answerWith({ data: { order: null } }));
    expect((await caller.ask()).errors).toBeUndefined();
  });
});
