import { expect, inject } from 'vitest';
import { type Attack, attack } from './attack.ts';
import { sendBytes } from './raw-socket.ts';
import { bearer } from './request.ts';

/** What only a client that writes to its socket by hand can send: ambiguous lengths, requests within requests, several at once. */

const { gatewayUrl } = inject('shop');
const TYPENAME = '{"query":"{ __typename }"}';
const json = ['content-type: application/json'];
const withLength = (body: string) => [...json, `content-length: ${body.length}`];

const bad = (status: number) => ({ status, code: 'BAD_USER_INPUT' });
const works = { status: 200, data: { __typename: 'Query' } };

interface Request {
  line?: string;
  host?: string[];
  headers?: string[];
  body?: string;
  endOfLine?: string;
}

function bytesOf({
  line = 'POST /graphql HTTP/1.1',
  host = ['host: shop'],
  headers,
  body = TYPENAME,
  endOfLine = '\r\n',
}: Request): string {
  return [line, ...host, ...(headers ?? withLength(body)), '', body].join(endOfLine);
}

/** A request that hides in the body of another one. Who reads only the outer one lets it pass. */
const hidden = (accessToken: string) => {
  const body = '{"query":"mutation { signOut { signedOutSessionIds } }"}';
  return bytesOf({ headers: [...withLength(body), `authorization: Bearer ${accessToken}`], body });
};

const smuggled: Attack[] = [
  attack({
    tries: 'a length and chunks at once, with a request hidden behind the last chunk',
    request: ({ victim }) => {
      const body = `0\r\n\r\n${hidden(victim.accessToken)}`;
      return sendBytes(gatewayUrl, bytesOf({ headers: [...withLength(body), 'transfer-encoding: chunked'], body }));
    },
    answer: bad(400),
    effect: async (_scene, _given, { connection }) => expect(connection).toEqual({ answers: 1, isClosed: true }),
  }),
  attack({
    tries: 'chunks and a length at once, with a request hidden behind the length',
    request: ({ victim }) => {
      const body = `${TYPENAME.length.toString(16)}\r\n${TYPENAME}\r\n0\r\n\r\n${hidden(victim.accessToken)}`;
      return sendBytes(
        gatewayUrl,
        bytesOf({ headers: [...json, 'transfer-encoding: chunked', 'content-length: 4'], body }),
      );
    },
    answer: bad(400),
    effect: async (_scene, _given, { connection }) => expect(connection).toEqual({ answers: 1, isClosed: true }),
  }),
  ...[
    ['two lengths', [...withLength(TYPENAME), 'content-length: 5']],
    ['a negative length', [...json, 'content-length: -1']],
    ['a length with a sign', [...json, `content-length: +${TYPENAME.length}`]],
    ['a length in hexadecimal', [...json, 'content-length: 0x18']],
    ['chunks that are not the last encoding', [...json, 'transfer-encoding: chunked, identity']],
    ['an encoding that looks like chunks', [...json, 'transfer-encoding: xchunked']],
    ['a space before the colon of the encoding', [...json, 'transfer-encoding : chunked']],
    ['a header that goes on in the next line', [...withLength(TYPENAME), 'x-note: a', ' transfer-encoding: chunked']],
    ['a zero byte in a header', [...withLength(TYPENAME), 'x-note: a\0b']],
    ['a bare line feed within a header', [...withLength(TYPENAME), 'x-note: a\nauthorization: Bearer x']],
  ].map(([what, headers]) => ({
    tries: `${what}`,
    request: () => sendBytes(gatewayUrl, bytesOf({ headers: headers as string[] })),
    answer: bad(400),
  })),
  {
    tries: 'lines that end in line feeds only',
    request: () => sendBytes(gatewayUrl, bytesOf({ endOfLine: '\n' })),
    answer: bad(400),
  },
  {
    tries: 'a chunk with an extension of 20,000 characters',
    request: () =>
      sendBytes(
        gatewayUrl,
        bytesOf({
          headers: [...json, 'transfer-encoding: chunked'],
          body: `1;${'a'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`,
        }),
      ),
    answer: bad(400),
  },
  {
    tries: 'a body that is too long, in chunks that do not say so',
    request: () => {
      const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
      const body = `${chunk.repeat(5)}0\r\n\r\n`;
      return sendBytes(gatewayUrl, bytesOf({ headers: [...json, 'transfer-encoding: chunked'], body }));
    },
    answer: bad(413),
  },
  attack({
    tries: 'a token in a trailer, after the body',
    request: ({ victim }) => {
      const query = '{"query":"{ viewer { id } }"}';
      const trailer = `authorization: Bearer ${victim.accessToken}`;
      const body = `${query.length.toString(16)}\r\n${query}\r\n0\r\n${trailer}\r\n\r\n`;
      return sendBytes(gatewayUrl, bytesOf({ headers: [...json, 'transfer-encoding: chunked'], body }));
    },
    answer: { status: 200, data: { viewer: null } },
  }),
];

const protocols: Attack[] = [
  { tries: 'no Host header', request: () => sendBytes(gatewayUrl, bytesOf({ host: [] })), answer: bad(400) },
  {
    tries: 'two Host headers',
    request: () => sendBytes(gatewayUrl, bytesOf({ host: ['host: shop', 'host: evil.example'] })),
    answer: bad(400),
  },
  {
    tries: 'an expectation that nobody can meet',
    request: () => sendBytes(gatewayUrl, bytesOf({ headers: [...withLength(TYPENAME), 'expect: miracles'] })),
    answer: bad(417),
  },
  {
    tries: 'an upgrade to a WebSocket that is no handshake',
    request: () =>
      sendBytes(
        gatewayUrl,
        bytesOf({ headers: [...withLength(TYPENAME), 'connection: upgrade', 'upgrade: websocket'] }),
      ),
    answer: bad(400),
  },
  {
    tries: 'a tunnel to somewhere else',
    request: () => sendBytes(gatewayUrl, bytesOf({ line: 'CONNECT evil.example:443 HTTP/1.1', headers: [], body: '' })),
    answer: { status: 0, isJson: false },
    effect: async (_scene, _given, { connection }) => expect(connection).toEqual({ answers: 0, isClosed: true }),
  },
  {
    tries: 'an address on another host, as one asks a proxy',
    request: () => sendBytes(gatewayUrl, bytesOf({ line: 'POST http://evil.example/metrics HTTP/1.1' })),
    answer: bad(404),
  },
  {
    tries: 'a method that was made up',
    request: () => sendBytes(gatewayUrl, bytesOf({ line: 'STEAL /graphql HTTP/1.1' })),
    answer: bad(400),
  },
  {
    tries: 'the method TRACE, which would echo headers',
    request: () => sendBytes(gatewayUrl, bytesOf({ line: 'TRACE /graphql HTTP/1.1', headers: [], body: '' })),
    answer: bad(404),
  },
  {
    tries: 'HTTP/2 without having agreed on it',
    request: () => sendBytes(gatewayUrl, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    answer: bad(400),
  },
  {
    tries: 'TLS where there is none',
    request: () => sendBytes(gatewayUrl, Buffer.from('16030100a5010000a10303', 'hex')),
    answer: bad(400),
  },
  {
    tries: 'two thousand headers',
    request: () =>
      sendBytes(
        gatewayUrl,
        bytesOf({ headers: [...Array.from({ length: 2_100 }, (_, index) => `a${index}: 1`), ...withLength(TYPENAME)] }),
      ),
    answer: bad(431),
  },
];

const pipelined: Attack[] = [
  {
    tries: 'a hundred requests without waiting for an answer',
    request: () => sendBytes(gatewayUrl, bytesOf({}).repeat(100), { answers: 100 }),
    answer: works,
    effect: async (_scene, _given, { connection }) => expect(connection).toEqual({ answers: 100, isClosed: false }),
  },
  attack({
    tries: 'a request with a token, then one without it on the same connection',
    request: ({ victim }) => {
      const body = '{"query":"{ viewer { id } }"}';
      const { authorization = '' } = bearer(victim.accessToken);
      const first = bytesOf({ headers: [...withLength(body), `authorization: ${authorization}`], body });
      return sendBytes(gatewayUrl, first + bytesOf({ body }), { answers: 2 });
    },
    answer: { status: 200 },
    effect: async ({ victim }, _given, { text, connection }) => {
      expect(connection?.answers).toBe(2);
      expect(text).toContain(victim.userId);
    },
  }),
];

export const sockets = [...smuggled, ...protocols, ...pipelined];
