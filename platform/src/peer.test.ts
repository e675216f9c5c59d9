import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withDeadline, withoutDeadline } from './deadline.ts';
import { createPeer, type Peer } from './peer.ts';

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
  peer = createPeer({ audience: 'catalog', url, signer: { assertion: async () => 'signed' } });
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

  it('is asked once for each request, whatever happens: a command may have acted', async () => {
    answer = json({ data: { stock: 1 } });
    await ask();
    answer = (request) => request.socket.destroy();
    await failure();
    expect(asked).toBe(2);
  });

  it('gets a rest after ten failures in a row', async () => {
    answer = failWith('INTERNAL_SERVER_ERROR');
    for (let count = 0; count < 12; count++) await failure();
    expect(asked).toBe(10);
    expect(await failure()).toMatchObject({ code: 'SUBGRAPH_UNAVAILABLE', retryAfterMs: 2_000 });
  });

  it('is not to blame for what was asked wrongly', async () => {
    answer = failWith('BAD_USER_INPUT', 'Expected less.');
    for (let count = 0; count < 12; count++) {
      expect(await failure()).toMatchObject({ code: 'BAD_USER_INPUT', message: 'Expected less.' });
    }
    expect(asked).toBe(12);
  });
});
