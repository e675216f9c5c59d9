import { createServer, type Server, type Socket } from 'node:net';

/** Answers the text of a request with the text of a response; at once where it can. */
export type AnswerJson = (body: string) => string | Promise<string>;

/** How a head ends, and how it tells the length of the body, in requests and in answers. */
export const END_OF_HEAD = '\r\n\r\n';
export const LENGTH = /\r\ncontent-length: *(\d+)/i;
const EMPTY = Buffer.alloc(0);

/**
 * A server of the little HTTP that gateways speak to subgraphs: POST requests whose length is told, answered with JSON in the order in which they came. Node's own
 * HTTP server takes so much more that the fastest gateways would wait for it. What it has to say to all that one read has brought, it says in one write.
 */
export function createJsonServer(answer: AnswerJson): Server {
  return createServer((socket) => serve(socket, answer));
}

function serve(socket: Socket, answer: AnswerJson): void {
  let held: Buffer = EMPTY;
  let isBusy = false;
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (bytes: Buffer) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (!isBusy) void answerAll();
  });

  async function answerAll(): Promise<void> {
    isBusy = true;
    let said = '';
    for (let body = take(); body !== undefined; body = take()) {
      const given = answer(body);
      said += response(typeof given === 'string' ? given : await given);
    }
    isBusy = false;
    if (said !== '') socket.write(said);
  }

  /** The body of the next request, when all of it is there. */
  function take(): string | undefined {
    const headEnd = held.indexOf(END_OF_HEAD);
    if (headEnd === -1) return undefined;
    const head = held.toString('latin1', 0, headEnd);
    const [, length] = LENGTH.exec(head) ?? [];
    if (!head.startsWith('POST ') || length === undefined)
      throw new Error(`Expected a POST with a length, got ${head}`);
    const start = headEnd + END_OF_HEAD.length;
    const end = start + Number(length);
    if (held.length < end) return undefined;
    const body = held.toString('utf8', start, end);
    held = held.subarray(end);
    return body;
  }
}

function response(text: string): string {
  const length = Buffer.byteLength(text);
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nkeep-alive: timeout=60\r\ncontent-length: ${length}\r\n\r\n${text}`;
}
