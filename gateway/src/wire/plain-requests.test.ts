import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PlainConnection, PlainRequest } from './plain-connection.ts';
import { type PlainRequests, readPlainRequests } from './plain-requests.ts';

/** Says what it understood. */
function answerInNode(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.sendDate = false;
    const text = Buffer.from(`${request.method} ${request.url} ${Buffer.concat(chunks)}`);
    response.writeHead(200, { 'Content-Length': text.length }).end(text);
  });
}

function answerFromWire({ head: { method, target }, body }: PlainRequest, connection: PlainConnection): boolean {
  const text = Buffer.from(`${method} ${target} ${body}`);
  connection.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n`, text);
  return true;
}

interface Served {
  server: Server;
  port: number;
  plain?: PlainRequests;
}

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

let isLeaving = false;
let take = answerFromWire;
let taken: string[] = [];

async function serve({ isPlain, keepAliveMs = 72_000 }: { isPlain: boolean; keepAliveMs?: number }): Promise<Served> {
  isLeaving = false;
  take = answerFromWire;
  taken = [];
  const server = createServer({ keepAliveTimeout: keepAliveMs }, answerInNode);
  const plain = isPlain ? readPlainRequests(server, { keepAliveMs, isLeaving: () => isLeaving }) : undefined;
  plain?.onPost('/taken', (request, connection) => {
    taken.push(String(request.body));
    return take(request, connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(() => {
    server.close();
    plain?.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port, ...(plain ? { plain } : {}) };
}

function dial({ port }: Served): { socket: Socket; heard: () => string } {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  cleanUp.push(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  return { socket, heard: () => text };
}

/** Sends pieces one after the other, and gives all that comes back until nothing more does. */
async function talk(served: Served, pieces: (string | Buffer)[]): Promise<string> {
  const { socket, heard } = dial(served);
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  for (const piece of pieces) {
    socket.write(piece, 'latin1');
    if (pieces.length > 1) await delay(2);
  }
  let before = '';
  do {
    before = heard();
    await delay(60);
  } while (heard() !== before || (before === '' && !isClosed));
  socket.destroy();
  return `${heard()}${isClosed ? '<closed>' : ''}`;
}

const post = (target: string, body: string, headers = '') =>
  `POST ${target} HTTP/1.1\r\nHost: shop\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`;
const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\nHost: shop\r\n${headers}\r\n`;

describe('a connection says the same as one that Node reads', () => {
  it.each<[string, string[]]>([
    ['for one request', [post('/taken', '{}')]],
    ['for several, each after the answer to the one before', [post('/taken', '1'), post('/taken', '22')]],
    ['for several at once', [post('/taken', '1') + post('/taken', '2') + get('/other') + post('/taken', '3')]],
    ['for others in between', [post('/taken', '1'), get('/other'), post('/other', '2'), post('/taken', '3')]],
    ['for a request in pieces', [...post('/taken', '{"query":"{ a }"}')]],
    [
      'for two in pieces that fit neither',
      ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab', `c${post('/taken', 'd')}`],
    ],
    [
      'for a body in chunks',
      ['POST /taken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n', '0\r\n\r\n'],
    ],
    [
      'for a body in chunks, and what follows',
      [`POST /taken HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${post('/taken', 'x')}`],
    ],
    ['for two lengths', ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab']],
    [
      'for the same length twice',
      ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na'],
    ],
    [
      'for a length and chunks',
      ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ],
    ['for a length with a sign', ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na']],
    ['for a length below zero', ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n']],
    [
      'for a length of many digits',
      ['POST /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n'],
    ],
    ['for no length', ['POST /taken HTTP/1.1\r\nHost: a\r\n\r\n']],
    ['for no host', ['POST /taken HTTP/1.1\r\nContent-Length: 1\r\n\r\na']],
    ['for two hosts', ['POST /taken HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 1\r\n\r\na']],
    ['for HTTP/1.0', ['POST /taken HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\n\r\na']],
    ['for HTTP/1.2', ['POST /taken HTTP/1.2\r\nHost: a\r\nContent-Length: 1\r\n\r\na']],
    ['for a last request', [post('/taken', 'a', 'Connection: close\r\n')]],
    ['for a request that wants to be told to go on', [post('/taken', 'a', 'Expect: 100-continue\r\n')]],
    ['for an upgrade that nobody does', [get('/other', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')]],
    ['for lines without CR', ['POST /taken HTTP/1.1\nHost: a\nContent-Length: 1\n\na']],
    ['for one line without CR', ['POST /taken HTTP/1.1\r\nHost: a\nContent-Length: 1\r\n\r\na']],
    ['for a CR within a line', ['POST /taken HTTP/1.1\r\nHost: a\rb\r\nContent-Length: 1\r\n\r\na']],
    ['for a folded line', ['POST /taken HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\nContent-Length: 1\r\n\r\na']],
    ['for a space before a colon', ['POST /taken HTTP/1.1\r\nHost : a\r\nContent-Length: 1\r\n\r\na']],
    ['for a header without a name', ['POST /taken HTTP/1.1\r\nHost: a\r\n: b\r\nContent-Length: 1\r\n\r\na']],
    ['for a zero byte', ['POST /taken HTTP/1.1\r\nHost: a\r\nX-A: b\0c\r\nContent-Length: 1\r\n\r\na']],
    ['for bytes above ASCII', ['POST /taken HTTP/1.1\r\nHost: a\r\nX-A: \xfc\r\nContent-Length: 1\r\n\r\na']],
    ['for a whole address', ['POST http://shop/taken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na']],
    ['for an address with a space', ['POST /ta ken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na']],
    ['for an empty line first', [`\r\n${post('/taken', 'a')}`]],
    ['for another method', ['PUT /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na']],
    ['for a method in small letters', ['post /taken HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na']],
    ['for a long header', [post('/taken', 'a', `X-A: ${'b'.repeat(9_000)}\r\n`)]],
    ['for a header that is too long', [post('/taken', 'a', `X-A: ${'b'.repeat(40_000)}\r\n`)]],
    ['for a large body', [post('/taken', 'a'.repeat(200_000))]],
    ['for a large body, and what follows', [post('/taken', 'a'.repeat(200_000)) + post('/taken', 'b')]],
    ['for what is no HTTP', ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03']],
  ])('%s', async (_, pieces) => {
    const [plain, nodes] = [await serve({ isPlain: true }), await serve({ isPlain: false })];
    const [said, expected] = await Promise.all([talk(plain, pieces), talk(nodes, pieces)]);
    expect(said).toBe(expected);
  });
});

describe('a request in plain form', () => {
  it('is taken from the wire, also after one that was not', async () => {
    const served = await serve({ isPlain: true });
    await talk(served, [
      post('/taken', '1'),
      get('/other'),
      post('/other', 'x'),
      post('/taken', '2'),
      post('/taken', '3'),
    ]);
    expect(taken).toEqual(['1', '2', '3']);
  });

  it('is left to Node where nobody takes it', async () => {
    const served = await serve({ isPlain: true });
    take = () => false;
    expect(await talk(served, [post('/taken', '1')])).toContain('POST /taken 1');
  });

  it('waits until the one before is answered', async () => {
    const served = await serve({ isPlain: true });
    const asked: (() => void)[] = [];
    take = (request, connection) => {
      asked.push(() => answerFromWire(request, connection));
      return true;
    };
    const { socket, heard } = dial(served);
    socket.write(post('/taken', '1') + post('/taken', '2'));
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    socket.write(post('/taken', '3'));
    await delay(50);
    expect(asked).toHaveLength(1);
    for (let request = 1; request <= 3; request++) {
      await vi.waitFor(() => expect(asked).toHaveLength(request));
      asked[request - 1]?.();
      await vi.waitFor(() => expect(heard()).toContain(`POST /taken ${request}`));
    }
  });

  it('hears when its client hangs up, and answers nobody', async () => {
    const served = await serve({ isPlain: true });
    const { promise, resolve } = Promise.withResolvers<[PlainRequest, PlainConnection]>();
    take = (...asked) => {
      resolve(asked);
      return true;
    };
    const { socket } = dial(served);
    socket.write(post('/taken', '1'));
    const [, connection] = await promise;
    const { hungUp } = connection;
    socket.destroy();
    await vi.waitFor(() => expect(hungUp.aborted).toBe(true));
    expect(connection.answer('HTTP/1.1 200 OK\r\n', Buffer.alloc(0))).toBe(false);
  });

  it('is not read from who does not read answers', async () => {
    const served = await serve({ isPlain: true });
    const large = Buffer.alloc(8 * 1024 * 1024, 'x');
    take = (_, connection) => {
      connection.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${large.length}\r\n`, large);
      return true;
    };
    const { socket, heard } = dial(served);
    socket.pause();
    socket.write(post('/taken', '1').repeat(5));
    await delay(200);
    expect(taken).toHaveLength(1);
    socket.resume();
    await vi.waitFor(() => expect(taken).toHaveLength(5), 10_000);
    await vi.waitFor(() => expect(heard().length).toBeGreaterThan(5 * large.length), 10_000);
  });
});

/** Takes the next request and gives how to answer it. */
function holdAnswer(): Promise<() => void> {
  return new Promise((resolve) => {
    take = (request, connection) => {
      resolve(() => answerFromWire(request, connection));
      return true;
    };
  });
}

describe('a server that leaves', () => {
  it('says of each answer that it is the last', async () => {
    const served = await serve({ isPlain: true });
    const answering = holdAnswer();
    const { socket, heard } = dial(served);
    socket.write(post('/taken', '1'));
    const answer = await answering;
    isLeaving = true;
    answer();
    await once(socket, 'close');
    expect(heard()).toMatch(/connection: close\r\n\r\nPOST \/taken 1$/);
  });

  it('ends connections that rest, and closes when the others have their answers', async () => {
    const served = await serve({ isPlain: true });
    const { socket: resting } = dial(served);
    resting.write(post('/taken', '0'));
    await once(resting, 'data');
    const answering = holdAnswer();
    const { socket, heard } = dial(served);
    socket.write(post('/taken', '1'));
    const answer = await answering;
    const closed = once(served.server, 'close');
    const rested = once(resting, 'close');
    isLeaving = true;
    served.server.close();
    served.plain?.close();
    await rested;
    answer();
    await closed;
    await vi.waitFor(() => expect(heard()).toContain('POST /taken 1'));
  });

  it('lets a request be finished that Node has been lent', async () => {
    const served = await serve({ isPlain: true });
    served.server.removeAllListeners('request');
    const { promise, resolve } = Promise.withResolvers<ServerResponse>();
    served.server.on('request', (_, response) => resolve(response));
    const { socket, heard } = dial(served);
    socket.write(post('/other', '1'));
    const response = await promise;
    served.server.close();
    served.plain?.close();
    response.end('done');
    await vi.waitFor(() => expect(heard()).toMatch(/done$/));
  });
});

it('ends connections that rest for too long', async () => {
  const served = await serve({ isPlain: true, keepAliveMs: 500 });
  const { socket, heard } = dial(served);
  socket.write(post('/taken', '1'));
  await once(socket, 'close');
  expect(heard()).toContain('POST /taken 1');
});
