import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerWith, cut, type FakeSubgraph, hang, startFakeSubgraph } from '../test/fake-subgraph.ts';
import { withDeadline, withoutDeadline } from './deadline.ts';
import { createLogger } from './logger.ts';
import { createPeer, type Peer } from './peer.ts';

const logger = createLogger('test', { level: 'silent' });
const openPeer = (urls: string[]) =>
  createPeer({ audience: 'catalog', urls, signer: { assertion: async () => 'signed' }, logger });

let server: Server;
let peer: Peer;
let answer: RequestListener;
let asked: number;

beforeEach(async () => {
  asked = 0;
  server = createServer((request, response) => {
    asked++;
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  peer = openPeer([url]);
});

afterEach(async () => {
  await peer.close();
  server.closeAllConnections();
  server.close();
});

const json =
  (body: unknown, status = 200): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
const failWith = (code: string, message = 'at 10.0.0.7') =>
  json({ data: null, errors: [{ message, extensions: { code } }] });
const ask = (query = '{ stock }') => peer.request(query, {}, { timeoutMs: 300 });
const failure = (query?: string) =>
  ask(query).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a peer', () => {
  it('gives the data of an answer', async () => {
    answer = json({ data: { stock: 1 } });
    expect(await ask()).toEqual({ stock: 1 });
  });

  it.each<[string, RequestListener, string]>([
    ['is stopping', json({ statusCode: 503, error: 'Service Unavailable' }, 503), 'SUBGRAPH_UNAVAILABLE'],
    ['answers null', json(null), 'SUBGRAPH_UNAVAILABLE'],
    ['answers a list', json([]), 'SUBGRAPH_UNAVAILABLE'],
    ['answers no JSON', (_, response) => response.end('<html>'), 'SUBGRAPH_UNAVAILABLE'],
    ['answers too much', json({ data: 'x'.repeat(5 * 1024 * 1024) }), 'SUBGRAPH_UNAVAILABLE'],
    ['hangs up', (request) => request.socket.destroy(), 'SUBGRAPH_UNAVAILABLE'],
    ['fails', failWith('INTERNAL_SERVER_ERROR'), 'SUBGRAPH_UNAVAILABLE'],
    ['never answers', () => {}, 'SUBGRAPH_TIMEOUT'],
    ['stops in the middle', (_, response) => void response.write('{"data":'), 'SUBGRAPH_TIMEOUT'],
  ])('says that the other side failed, and nothing internal, when it %s', async (_, listener, code) => {
    answer = listener;
    const error = await failure();
    expect(error).toMatchObject({ name: 'SoukError', code, retryable: true });
    expect((error as Error).message).not.toMatch(/catalog|10\.0|html/);
  });

  it.each<[string, RequestListener]>([
    ['hangs up', (request) => request.socket.destroy()],
    ['is stopping', json({ statusCode: 503, error: 'Service Unavailable' }, 503)],
    ['answers no JSON', (_, response) => response.end('<html>')],
    ['never answers', () => {}],
  ])('leaves the outcome of a command unknown when it %s', async (_, listener) => {
    answer = listener;
    expect(await failure('mutation { reserve }')).toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    expect(await failure('\n    mutation Reserve { reserve }')).toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    expect(asked).toBe(2);
  });

  it('has not done a command that it did not let in or that did not reach it', async () => {
    answer = json({ errors: [{ message: 'who?', extensions: { code: 'UNAUTHENTICATED' } }] }, 401);
    expect(await failure('mutation { reserve }')).toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(await failure('mutation { reserve }')).toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE' });
  });

  it('is given no more time than there is left for the request it is asked for', async () => {
    const deadlines: number[] = [];
    answer = (request, response) => {
      deadlines.push(Number(request.headers['souk-deadline']));
      json({ data: { stock: 1 } })(request, response);
    };
    const patiently = () => peer.request('{ stock }', {}, { timeoutMs: 5_000 });
    const deadlineAt = Date.now() + 1_000;
    await withDeadline(deadlineAt, patiently);
    expect(deadlines[0]).toBeLessThanOrEqual(deadlineAt);
    await withDeadline(deadlineAt, () => withoutDeadline(patiently));
    expect(deadlines[1]).toBeGreaterThan(deadlineAt);

    const late = withDeadline(Date.now() - 1, patiently);
    await expect(late).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT', retryable: true });
    expect(asked).toBe(2);
  });

  it('is sent a query again whose connection broke, and no command: that may have acted', async () => {
    answer = json({ data: { stock: 1 } });
    for (let count = 0; count < 10; count++) await ask();
    let cuts = 0;
    answer = (request, response) =>
      cuts++ === 0 ? request.socket.destroy() : json({ data: { stock: 2 } })(request, response);
    expect(await ask()).toEqual({ stock: 2 });
    expect(asked).toBe(12);
    for (let count = 0; count < 10; count++) await ask();
    cuts = 0;
    expect(await failure('mutation { reserve }')).toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    expect([asked, cuts]).toEqual([23, 1]);
  });

  it('gets a rest when it does not answer', async () => {
    answer = (request) => request.socket.destroy();
    for (let count = 0; count < 12; count++) await failure();
    const before = asked;
    expect(before).toBeLessThan(12);
    expect(await failure()).toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE', retryAfterMs: 1_000 });
    // A command that was not even sent has not been done.
    expect(await failure('mutation { reserve }')).toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE' });
    expect(asked).toBe(before);
  });

  it.each(['BAD_USER_INPUT', 'INTERNAL_SERVER_ERROR'])('gets no rest when it answers with %s', async (code) => {
    answer = failWith(code);
    for (let count = 0; count < 30; count++) await failure();
    expect(asked).toBe(30);
    answer = json({ data: { stock: 1 } });
    expect(await ask()).toEqual({ stock: 1 });
  });

  it('hands on what was asked wrongly', async () => {
    answer = failWith('BAD_USER_INPUT', 'Expected less.');
    expect(await failure()).toMatchObject({ code: 'BAD_USER_INPUT', message: 'Expected less.' });
  });

  it('is not waited for by more than it can answer soon', async () => {
    answer = () => {};
    const all = Array.from({ length: 400 }, () => failure());
    await vi.waitFor(() => expect(asked).toBe(16), { interval: 5 });
    // 16 are under way, 256 wait; the others are told at once, before anybody's time is up.
    const refused = await Promise.all(all.slice(272));
    expect(refused).toHaveLength(128);
    for (const error of refused) expect(error).toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE', retryAfterMs: 1_000 });
    await Promise.all(all);
  });
});

describe('a peer at several addresses', () => {
  const working = answerWith({ data: { stock: 1 } });
  /** As a service answers that was told to stop. */
  const leaving: RequestListener = (request, response) => working(request, response.setHeader('connection', 'close'));
  const COMMAND = 'mutation { reserve }';
  let fakes: [FakeSubgraph, FakeSubgraph];
  let several: Peer;
  const askOften = async (count: number, query = '{ stock }') => {
    for (let done = 0; done < count; done++)
      expect(await several.request(query, {}, { timeoutMs: 5_000 })).toEqual({ stock: 1 });
  };
  const askedEach = () => fakes.map((fake) => fake.asked.length);

  beforeEach(async () => {
    fakes = [await startFakeSubgraph(working), await startFakeSubgraph(working)];
    several = openPeer(fakes.map(({ url }) => url));
  });

  afterEach(async () => {
    await several.close();
    await Promise.all(fakes.map((fake) => fake.close()));
  });

  it('is asked everywhere in turn', async () => {
    await askOften(20);
    expect(askedEach()).toEqual([10, 10]);
  });

  it('loses no command when one of them dies', async () => {
    await askOften(10, COMMAND);
    await fakes[0].die();
    // A command on its way to a process that dies just then has an unknown end; the next ones have not.
    await delay(50);
    await askOften(20, COMMAND);
    expect(askedEach()).toEqual([5, 25]);
  });

  it('is sent no command twice when it may have acted', async () => {
    await askOften(10, COMMAND);
    for (const fake of fakes) fake.behave(cut);
    await expect(several.request(COMMAND, {})).rejects.toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    expect(askedEach()).toEqual([6, 5]);
  });

  it('is not asked where it is about to stop, until something stays there', async () => {
    await askOften(10);
    fakes[0].behave(leaving);
    await askOften(2);
    const before = fakes[0].asked.length;
    await askOften(20);
    expect(fakes[0].asked).toHaveLength(before);

    await vi.waitFor(() => expect(fakes[0].looks).toBeGreaterThan(0), 5_000);
    expect(fakes[0].asked).toHaveLength(before);
    fakes[0].behave(working);
    await vi.waitFor(
      async () => {
        await askOften(2);
        expect(fakes[0].asked.length).toBeGreaterThan(before);
      },
      { timeout: 5_000, interval: 20 },
    );
  });

  it('is asked where it is about to stop when there is no other', async () => {
    for (const fake of fakes) fake.behave(leaving);
    await askOften(20);
    fakes[0].behave(hang);
    await fakes[1].die();
    await expect(several.request('{ stock }', {}, { timeoutMs: 100 })).rejects.toMatchObject({ name: 'SoukError' });
  });
});
