import { connect } from 'node:net';
import { createResponseReader } from '@souk/platform/http-client/response-reader';
import { END_OF_HEAD, LENGTH } from './json-server.ts';

/** What became of a request, without its text: clients share a core with the subgraphs. */
export interface Reply {
  /** 0 when there was none. */
  status: number;
  /** Bytes of its body. */
  size: number;
}

export interface Client {
  /** Sends a request; one after the other. */
  ask(body: string): Promise<Reply>;
  /** Whether its connection has ended. */
  isOver(): boolean;
  close(): void;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const STATUS = /^HTTP\/1\.1 (\d{3})/;
const NONE: Reply = { status: 0, size: 0 };
/** What was received is counted at once, so that one place is enough for all. */
const received = Buffer.allocUnsafeSlow(256 * 1024);

/** A client with a connection of its own, which it keeps. */
export function openClient(url: string, headers: Readonly<Record<string, string>>): Client {
  const { hostname, port, host, pathname } = new URL(url);
  const lines = Object.entries({ host, 'content-type': 'application/json', accept: 'application/json', ...headers });
  const head = `POST ${pathname} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`;
  let isOver = false;
  let reply: ((reply: Reply) => void) | undefined;

  const take = countReplies((counted) => reply?.(counted));
  const socket = connect({
    host: hostname,
    port: Number(port),
    onread: {
      buffer: received,
      callback(length) {
        take(received.subarray(0, length));
        return true;
      },
    },
  });
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('close', () => {
    isOver = true;
    reply?.(NONE);
  });

  return {
    ask(body) {
      return new Promise((resolve) => {
        reply = resolve;
        socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      });
    },
    isOver: () => isOver,
    close: () => socket.destroy(),
  };
}

/** Takes what one connection receives, one response after the other. Where their length is told they are counted without being read. */
function countReplies(onReply: (reply: Reply) => void): (bytes: Buffer) => void {
  const reader = createResponseReader({
    maxBodyBytes: MAX_BODY_BYTES,
    onResponse: ({ status, text }) => onReply({ status, size: Buffer.byteLength(text) }),
  });
  let isRead = false;
  let current = NONE;
  let missing = 0;
  return (bytes) => {
    if (missing > 0) {
      missing -= bytes.length;
    } else {
      const end = bytes.indexOf(END_OF_HEAD);
      const head = isRead || end < 0 ? '' : bytes.toString('latin1', 0, end);
      const [, length] = LENGTH.exec(head) ?? [];
      // In chunks, or cut in the middle of the head.
      if (length === undefined) {
        isRead = true;
        reader.take(bytes);
        return;
      }
      current = { status: Number(STATUS.exec(head)?.[1] ?? 0), size: Number(length) };
      missing = current.size - (bytes.length - end - END_OF_HEAD.length);
    }
    if (missing === 0) onReply(current);
  };
}
