import { AsyncLocalStorage } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OnRequest, type RawServer, startRawServer } from '../../test/raw-server.ts';
import type { CallFailure } from '../call-failure.ts';
import { type HttpPool, openHttpPool } from './pool.ts';

/** Answers with what it was asked. */
const echo: OnRequest = ({ body }, socket) => void socket.write(ok(body));
const ok = (text: string, head = '') => `HTTP/1.1 200 OK\r\n${head}content-length: ${text.length}\r\n\r\n${text}`;

/** However busy the machine is. */
const QUICK_MS = 10_000;
let server: RawServer;
let pool: HttpPool;

beforeEach(async () => {
  server = await startRawServer(echo);
  pool = openHttpPool({ origin: server.origin, connections: 8, quickMs: QUICK_MS });
});
afterEach(async () => {
  await server.close();
  await pool.close();
});

/** What comes of a request: its answer, or why there is none. */
function post(body: string, { mayShare = true } = {}): Promise<string> & { abandon(): void } {
  let abandon = () => {};
  const answer = new Promise<string>((resolve) => {
    const sent = pool.post({
      path: '/graphql',
      headers: { 'x-request-id': body },
      body,
      mayShare,
      onResponse: ({ status, text }) => resolve(status === 200 ? text : `${status} ${text}`),
      onFailure: ({ kind }: CallFailure) => resolve(kind),
    });
    abandon = () => sent.abandon();
  });
  return Object.assign(answer, { abandon });
}

const postAll = (bodies: string[], options?: { mayShare: boolean }) =>
  Promise.all(bodies.map((body) => post(body, options)));
/** So many answers are known to be quick, that more are sent at once. */
async function untilShared(): Promise<void> {
  for (let count = 0; count < 100; count++) await post('warm');
  await nextTurn();
  server.bodies.length = 0;
  server.pieces = 0;
}
const abc = ['a', 'b', 'c'];

describe('a connection', () => {
  it('is used for one request after the other', async () => {
    for (const body of abc) {
      expect(await post(body)).toBe(body);
      await nextTurn();
    }
    expect(server.connections).toHaveLength(1);
  });

  it('is used by one at a time, and those for whom there is none wait', async () => {
    const bodies = Array.from({ length: 20 }, (_, place) => `${place}`);
    expect(await postAll(bodies)).toEqual(bodies);
    expect(server.connections).toHaveLength(8);
  });

  it('keeps nothing of the request that it was opened for', async () => {
    const asker = new AsyncLocalStorage<string>();
    await asker.run('first', () => post('a'));
    await nextTurn();
    const heard = new Promise((resolve) => {
      const hear = () => resolve(asker.getStore());
      pool.post({ path: '/', headers: {}, body: 'b', mayShare: false, onResponse: hear, onFailure: hear });
    });
    expect(await heard).toBeUndefined();
    expect(server.connections).toHaveLength(1);
  });

  it('carries letters of several bytes, in headers of one', async () => {
    server.behave(({ head, body }, socket) => {
      const text = Buffer.from(`${/é/.test(head)} ${body}`, 'latin1');
      socket.write(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`), text]));
    });
    const answer = new Promise((resolve) => {
      const request = { path: '/', headers: { a: 'é' }, body: '中', mayShare: false };
      pool.post({ ...request, onResponse: resolve, onFailure: resolve });
    });
    expect(await answer).toMatchObject({ text: 'true 中', isAscii: false });
  });

  it('that rests is ended after a while, sooner when the server says so', async () => {
    await post('a');
    await vi.waitFor(() => expect(server.connections[0]?.closed).toBe(true), 5_000);
    server.behave(({ body }, socket) => socket.write(ok(body, 'keep-alive: timeout=2\r\n')));
    await post('b');
    await vi.waitFor(() => expect(server.connections[1]?.closed).toBe(true), 500);
  });

  it('that the server has ended is not used again, not even when the end comes with the answer', async () => {
    server.behave(({ body }, socket) => socket.end(ok(body)));
    for (const body of abc) expect(await post(body, { mayShare: false })).toBe(body);
    expect(server.connections).toHaveLength(3);
  });

  it('that does not come about is given up long before the request is', async () => {
    const program = `
      const server = require('node:net').createServer();
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => process.send(server.address().port));`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const [port] = await once(child, 'message');
    // Nobody takes what arrives any more, so the queue of arrivals is soon full.
    child.kill('SIGSTOP');
    const arrivals: Socket[] = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
    await once(arrivals[0] as Socket, 'connect');

    await pool.close();
    pool = openHttpPool({ origin: `http://127.0.0.1:${port}`, connections: 1 });
    const beganAtMs = performance.now();
    expect(await postAll(['a', 'b'])).toEqual(['not-sent', 'not-sent']);
    expect(performance.now() - beganAtMs).toBeLessThan(1_500);
    for (const socket of arrivals) socket.destroy();
    child.kill('SIGKILL');
  });

  it('is not opened any more once the pool is closed, which waits for the answers that are to come', async () => {
    let answer = () => {};
    server.behave((request, socket) => {
      answer = () => echo(request, socket);
    });
    const asked = post('a');
    await vi.waitFor(() => expect(server.bodies).toEqual(['a']));
    let isClosed = false;
    const closed = pool.close().then(() => {
      isClosed = true;
    });
    expect(await post('b')).toBe('not-sent');
    const unwanted = post('c');
    unwanted.abandon();
    expect(await Promise.race([unwanted, nextTurn().then(() => 'nothing')])).toBe('nothing');
    await delay(20);
    expect(isClosed).toBe(false);
    answer();
    expect(await asked).toBe('a');
    await closed;
  });
});

describe('a server that goes wrong', () => {
  it.each<[string, string]>([
    ['sends more than it announced', `${ok('a')}x`],
    ['answers twice', ok('a') + ok('forged')],
    ['begins another answer', `${ok('a')}HTTP/1.1 200 OK\r\n`],
    ['sends an interim answer after the last one', `${ok('a')}HTTP/1.1 100 Continue\r\n\r\n`],
  ])('and %s is believed once, and its connection is not used again', async (_, bytes) => {
    server.behave((_request, socket) => socket.write(bytes));
    expect(await post('a')).toBe('a');
    server.behave(echo);
    await nextTurn();
    expect(await post('b')).toBe('b');
    expect(server.connections).toHaveLength(2);
    await vi.waitFor(() => expect(server.connections[0]?.closed).toBe(true));
  });

  it('and answers nobody loses its connection', async () => {
    await post('a');
    await nextTurn();
    server.connections[0]?.write(ok('forged'));
    await vi.waitFor(() => expect(server.connections[0]?.closed).toBe(true));
    expect(await post('b')).toBe('b');
  });

  it('and answers before it is asked has its answer given to nobody', async () => {
    await server.close();
    server = await startRawServer(echo);
    await pool.close();
    pool = openHttpPool({ origin: server.origin, connections: 1 });
    await post('a');
    await nextTurn();
    const [connection] = server.connections;
    await new Promise((resolve) => connection?.write(ok('forged'), resolve));
    await delay(20);
    expect(await post('b')).toBe('b');
    expect(server.connections).toHaveLength(2);
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['ends without an answer', (socket) => socket.end(), 'cut'],
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'cut'],
    ['ends in the middle of a head', (socket) => socket.end('HTTP/1.1 200'), 'cut'],
    ['ends in the middle of a body', (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell'), 'cut'],
    ['speaks something else', (socket) => socket.write('220 mail.test ESMTP\r\n\r\n'), 'wrong-answer'],
    [
      'tells two lengths',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'),
      'wrong-answer',
    ],
    ['announces too much', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4194305\r\n\r\n'), 'too-large'],
    ['sends too much', (socket) => socket.write(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(4_194_305)}`), 'too-large'],
  ])('and %s fails its request, and its connection is not used again', async (_, respond, kind) => {
    server.behave((_request, socket) => respond(socket));
    expect(await post('a')).toBe(kind);
    server.behave(echo);
    expect(await post('b')).toBe('b');
    await vi.waitFor(() => expect(server.connections[0]?.closed).toBe(true));
  });

  it('and answers before it was told everything is heard, and not asked again on that connection', async () => {
    const early = await new Promise<string>((resolve) => {
      const listening = createServer((_request, response) => response.writeHead(413).end('no')).listen(
        0,
        '127.0.0.1',
        async () => {
          const other = openHttpPool({
            origin: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`,
            connections: 1,
          });
          let sockets = 0;
          listening.on('connection', () => sockets++);
          const ask = () =>
            new Promise<string>((answered) => {
              const request = { path: '/', headers: {}, body: 'x'.repeat(20_000_000), mayShare: false };
              other.post({
                ...request,
                onResponse: ({ status }) => answered(`${status}`),
                onFailure: ({ kind }) => answered(kind),
              });
            });
          const answers = [await ask(), await ask()];
          await other.close();
          listening.closeAllConnections();
          listening.close(() => resolve(`${answers} on ${sockets}`));
        },
      );
    });
    expect(early).toBe('413,413 on 2');
  });
});

describe('requests at the same moment', () => {
  it('share a connection once it is known that answers are quick, and are sent at once', async () => {
    await untilShared();
    const before = server.connections.length;
    expect(await postAll(abc)).toEqual(abc);
    expect(server.bodies).toEqual(abc);
    expect(server.pieces).toBe(1);
    expect(server.connections).toHaveLength(before);
  });

  it('share it with no more than seven others', async () => {
    await untilShared();
    const bodies = Array.from({ length: 20 }, (_, place) => `${place}`);
    expect(await postAll(bodies)).toEqual(bodies);
    expect(server.pieces).toBe(3);
  });

  it('share none when they may not, nor with one that has been sent already', async () => {
    await untilShared();
    const answers: (() => void)[] = [];
    server.behave((request, socket) => answers.push(() => echo(request, socket)));
    const commands = postAll(abc, { mayShare: false });
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    const query = post('d');
    await vi.waitFor(() => expect(answers).toHaveLength(4));
    expect(new Set(server.connections.filter(({ closed }) => !closed)).size).toBe(4);
    for (const answer of answers) answer();
    expect([...(await commands), await query]).toEqual([...abc, 'd']);
  });

  it('share none for a while after an answer that took long, or did not come', async () => {
    await pool.close();
    pool = openHttpPool({ origin: server.origin, connections: 8, quickMs: 200 });
    await untilShared();
    server.behave((request, socket) => setTimeout(() => echo(request, socket), 201));
    await post('slow');
    server.behave(echo);
    await nextTurn();
    server.pieces = 0;
    await postAll(abc);
    expect(server.pieces).toBe(3);

    await untilShared();
    server.behave((_request, socket) => socket.destroy());
    await post('lost');
    server.behave(echo);
    server.pieces = 0;
    await postAll(abc);
    expect(server.pieces).toBe(3);
  });

  it('are answered in turn, however the answers are split', async () => {
    await untilShared();
    let bytes = '';
    server.behave(({ body }, socket) => {
      bytes += body === 'b' ? `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n` : ok(body);
      if (body === 'c') void byteByByte(socket, bytes);
    });
    expect(await postAll(abc)).toEqual(abc);
  });

  it('get each their own answer when those before them are not wanted any more', async () => {
    await untilShared();
    let bytes = '';
    let answer = () => {};
    server.behave(({ body }, socket) => {
      bytes += ok(body);
      answer = () => socket.write(bytes);
    });
    const [first, second, third] = abc.map((body) => post(body));
    await vi.waitFor(() => expect(server.bodies).toEqual(abc));
    first?.abandon();
    second?.abandon();
    answer();
    expect(await third).toBe('c');
    server.behave(echo);
    await nextTurn();
    expect(await post('d')).toBe('d');
  });

  it('end their connection when none is wanted any more, and are not sent when that is before', async () => {
    await untilShared();
    server.behave(() => {});
    const asked = abc.map((body) => post(body));
    await vi.waitFor(() => expect(server.bodies).toEqual(abc));
    for (const each of asked) each.abandon();
    await vi.waitFor(() => expect(server.connections.every(({ closed }) => closed)).toBe(true));

    server.behave(echo);
    await untilShared();
    const [first, second, third] = abc.map((body) => post(body));
    first?.abandon();
    third?.abandon();
    expect(await second).toBe('b');
    expect(server.bodies).toEqual(['b']);
  });

  it.each<[string, (socket: Socket) => void, string]>([
    ['breaks', (socket) => socket.resetAndDestroy(), 'cut'],
    ['ends', (socket) => socket.end(), 'cut'],
    ['sends what is no answer', (socket) => socket.write('x\r\n\r\n'), 'wrong-answer'],
  ])('are passed over behind the one at which the connection %s', async (_, respond, kind) => {
    await untilShared();
    server.behave((request, socket) => {
      if (request.body === 'a') echo(request, socket);
      if (request.body === 'c') respond(socket);
    });
    expect(await postAll([...abc, 'd'])).toEqual(['a', kind, 'passed-over', 'passed-over']);
  });

  it('are passed over behind an answer that is the last one', async () => {
    await untilShared();
    server.behave(({ body }, socket) => {
      if (body === 'a') socket.write(ok('a', 'connection: close\r\n'));
      else socket.end(ok('forged'));
    });
    expect(await postAll(abc)).toEqual(['a', 'passed-over', 'passed-over']);

    server.behave(echo);
    await untilShared();
    server.behave((_request, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nall the rest'));
    expect(await postAll(abc)).toEqual(['all the rest', 'passed-over', 'passed-over']);
  });

  it('are not sent when there is no connection', async () => {
    await untilShared();
    await server.close();
    await delay(20);
    expect(new Set(await postAll(abc))).toEqual(new Set(['not-sent']));
  });
});

describe('a server of Node', () => {
  it('works on those that share a connection at the same time, and answers them in order', async () => {
    const held: (() => void)[] = [];
    let isHeld = false;
    const node = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request.setEncoding('utf8')) body += piece;
      if (isHeld) held.push(() => response.end(body));
      else response.end(body);
    });
    await new Promise<void>((resolve) => node.listen(0, '127.0.0.1', resolve));
    await pool.close();
    const origin = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
    pool = openHttpPool({ origin, connections: 1, quickMs: QUICK_MS });
    await untilShared();
    isHeld = true;
    const answers = postAll(abc);
    await vi.waitFor(() => expect(held).toHaveLength(3));
    for (const answer of held.reverse()) answer();
    expect(await answers).toEqual(abc);
    node.closeAllConnections();
    node.close();
  });
});

async function byteByByte(socket: Socket, bytes: string): Promise<void> {
  for (const byte of bytes) {
    socket.write(byte);
    await nextTurn();
  }
}
