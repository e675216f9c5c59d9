import { describe, expect, it } from 'vitest';
import { createResponseReader, type HttpResponse } from './response-reader.ts';

const MAX_BODY_BYTES = 1_000;

/** Reads a text in such pieces; whether the connection ends then. */
function read(pieces: Iterable<Buffer>, { isEnded = false } = {}): HttpResponse[] {
  const responses: HttpResponse[] = [];
  const reader = createResponseReader({
    maxBodyBytes: MAX_BODY_BYTES,
    onResponse: (each) => void responses.push(each),
  });
  for (const piece of pieces) {
    // As sockets do it, the same place is used again for what comes next.
    const place = Buffer.from(piece);
    reader.take(place);
    place.fill('x');
  }
  if (isEnded) reader.end();
  else expect(reader.isBetween()).toBe(true);
  return responses;
}

/** Reads a text whole, cut in two at each place, and byte by byte, which is the same. */
function readHoweverSplit(text: string, options?: { isEnded: boolean }): HttpResponse[] {
  const bytes = Buffer.from(text);
  const whole = read([bytes], options);
  for (let at = 1; at < bytes.length; at++)
    expect(read([bytes.subarray(0, at), bytes.subarray(at)], options)).toEqual(whole);
  expect(
    read(
      [...bytes].map((byte) => Buffer.of(byte)),
      options,
    ),
  ).toEqual(whole);
  return whole;
}

const respond = (head: string, body = '') => `HTTP/1.1 200 OK\r\n${head}\r\n${body}`;
const texts = (responses: HttpResponse[]) => responses.map(({ status, text }) => [status, text]);

describe('a response', () => {
  it.each<[string, string, [number, string][]]>([
    ['has a length', respond('Content-Length: 5\r\n', 'hello'), [[200, 'hello']]],
    ['has an empty body', respond('content-length:0\r\n'), [[200, '']]],
    ['has letters of several bytes', respond('content-length: \t 6 \r\n', '中é!'), [[200, '中é!']]],
    [
      'comes in chunks',
      respond('Transfer-Encoding: Chunked\r\n', '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'),
      [[200, 'hello']],
    ],
    [
      'comes in chunks with extensions and trailers',
      respond(
        'transfer-encoding: chunked\r\n',
        '02;a=b\r\nhe\r\n0A ; c\r\nllo, world\r\n000\r\nx-a: 1\r\ncontent-length: 7\r\n\r\n',
      ),
      [[200, 'hello, world']],
    ],
    ['has no reason', 'HTTP/1.1 404 \r\ncontent-length: 1\r\n\r\nx', [[404, 'x']]],
    ['has no space after its status', 'HTTP/1.1 404\r\ncontent-length: 1\r\n\r\nx', [[404, 'x']]],
    ['has no content', 'HTTP/1.1 204 No Content\r\n\r\n', [[204, '']]],
    ['is not modified', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', [[304, '']]],
    [
      'comes after interim ones',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${respond('content-length: 1\r\n', 'x')}`,
      [[200, 'x']],
    ],
    [
      'is followed by others',
      `${respond('content-length: 1\r\n', 'a')}${respond('transfer-encoding: chunked\r\n', '1\r\nb\r\n0\r\n\r\n')}HTTP/1.1 204 \r\n\r\n${respond('content-length: 1\r\n', 'c')}`,
      [
        [200, 'a'],
        [200, 'b'],
        [204, ''],
        [200, 'c'],
      ],
    ],
  ])('that %s is read the same however it is split', (_, text, expected) => {
    expect(texts(readHoweverSplit(text))).toEqual(expected);
  });

  it('with letters cut by chunks is put together', () => {
    const bytes = Buffer.concat([
      Buffer.from(respond('transfer-encoding: chunked\r\n', '1\r\n')),
      Buffer.of(0xc3),
      Buffer.from('\r\n1\r\n'),
      Buffer.of(0xa9),
      Buffer.from('\r\n0\r\n\r\n'),
    ]);
    expect(texts(read([bytes]))).toEqual([[200, 'é']]);
  });

  it('without a length ends with its connection, and is the last one', () => {
    const [response] = readHoweverSplit(respond('x: y\r\n', 'hello'), { isEnded: true });
    expect(response).toMatchObject({ text: 'hello', isLast: true, saysClose: false });
  });

  it('tells whether its letters are one byte each', () => {
    const one = read([Buffer.from(respond('content-length: 5\r\n', 'hello'))]);
    const other = read([Buffer.from(respond('content-length: 6\r\n', 'héllo'))]);
    expect([one[0]?.isAscii, other[0]?.isAscii]).toEqual([true, false]);
  });

  it.each<[string, Partial<HttpResponse>]>([
    ['HTTP/1.1 200 OK\r\n', { isLast: false, saysClose: false, keepsAliveMs: undefined }],
    ['HTTP/1.1 200 OK\r\nConnection: Close\r\n', { isLast: true, saysClose: true }],
    ['HTTP/1.1 200 OK\r\nconnection: keep-alive, close\r\n', { isLast: true, saysClose: true }],
    ['HTTP/1.1 200 OK\r\nconnection: x\r\nconnection: close\r\n', { isLast: true, saysClose: true }],
    [
      'HTTP/1.1 200 OK\r\nconnection: keep-alive\r\nkeep-alive: timeout=5, max=10\r\n',
      { isLast: false, keepsAliveMs: 5_000 },
    ],
    ['HTTP/1.0 200 OK\r\n', { isLast: true, saysClose: false }],
    ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n', { isLast: false }],
  ])('says what becomes of its connection: %j', (head, expected) => {
    expect(read([Buffer.from(`${head}content-length: 1\r\n\r\nx`)])).toMatchObject([expected]);
  });
});

describe('what can be read in two ways, or in none', () => {
  it.each<[string, string]>([
    ['is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['is an older HTTP', 'HTTP/0.9 200 OK\r\n\r\n'],
    ['is a newer HTTP', 'HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
    ['begins with an empty line', `\r\n${respond('content-length: 0\r\n')}`],
    ['has a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n'],
    ['has a status that is none', 'HTTP/1.1 600 OK\r\ncontent-length: 0\r\n\r\n'],
    ['has another protocol after it', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
    ['has two lengths', respond('content-length: 1\r\ncontent-length: 2\r\n', 'xx')],
    ['has the same length twice', respond('content-length: 1\r\nContent-Length: 1\r\n', 'x')],
    ['has a list of lengths', respond('content-length: 1, 1\r\n', 'x')],
    ['has a negative length', respond('content-length: -1\r\n')],
    ['has a length with a sign', respond('content-length: +1\r\n', 'x')],
    ['has a hexadecimal length', respond('content-length: 0x1\r\n', 'x')],
    ['has a fractional length', respond('content-length: 1.0\r\n', 'x')],
    ['has a length with a space in it', respond('content-length: 1 0\r\n', 'x')],
    ['has an empty length', respond('content-length: \r\n')],
    ['has a length beyond all numbers', respond(`content-length: ${'9'.repeat(20)}\r\n`)],
    ['has a length and chunks', respond('content-length: 5\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
    ['has chunks and a length', respond('transfer-encoding: chunked\r\ncontent-length: 5\r\n', '0\r\n\r\n')],
    ['is chunked twice', respond('transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
    ['is compressed', respond('transfer-encoding: gzip, chunked\r\n', '0\r\n\r\n')],
    ['has an encoding that nobody knows', respond('transfer-encoding: x-chunked\r\n', '0\r\n\r\n')],
    ['has an empty encoding', respond('transfer-encoding:\r\n', '0\r\n\r\n')],
    ['has chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['has a space before a colon', respond('content-length : 1\r\n', 'x')],
    ['has a folded line', respond('x: y\r\n content-length: 1\r\n', 'x')],
    ['has a line without a colon', respond('content-length\r\n')],
    ['has a header without a name', respond(': x\r\ncontent-length: 0\r\n')],
    ['has a carriage return in a header', respond('x: a\rcontent-length: 1\r\ncontent-length: 0\r\n')],
    ['has a line feed in a header', respond('x: a\ncontent-length: 1\r\ncontent-length: 0\r\n')],
    ['has a zero byte in a header', respond('x: a\0\r\ncontent-length: 0\r\n')],
    ['has an endless head', respond(`x: ${'y'.repeat(17_000)}\r\n`)],
    ['has an endless line', 'y'.repeat(17_000)],
    ['has interim responses without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)],
    ['has a negative chunk', respond('transfer-encoding: chunked\r\n', '-1\r\n')],
    ['has a chunk without a size', respond('transfer-encoding: chunked\r\n', '\r\nx')],
    ['has a chunk with another size', respond('transfer-encoding: chunked\r\n', '0x5\r\nhello\r\n')],
    ['has a chunk of a size beyond all numbers', respond('transfer-encoding: chunked\r\n', '1000000000\r\n')],
    ['has a longer chunk than announced', respond('transfer-encoding: chunked\r\n', '2\r\nhello\r\n0\r\n\r\n')],
    ['has a chunk that a line feed ends', respond('transfer-encoding: chunked\r\n', '5\nhello\r\n0\r\n\r\n')],
    ['has a trailer that is none', respond('transfer-encoding: chunked\r\n', '0\r\nHTTP/1.1 200 OK\r\n\r\n')],
    ['has trailers without end', respond('transfer-encoding: chunked\r\n', `0\r\n${'a: b\r\n'.repeat(5_000)}\r\n`)],
  ])('is not read: what %s', (_, text) => {
    const bytes = Buffer.from(text, 'latin1');
    expect(() => read([bytes])).toThrow(expect.objectContaining({ kind: 'wrong-answer' }));
    expect(() => read([...bytes].map((byte) => Buffer.of(byte)))).toThrow(
      expect.objectContaining({ kind: 'wrong-answer' }),
    );
  });

  it.each([
    ['with a length', respond('content-length: 1001\r\n', 'x')],
    ['in chunks', respond('transfer-encoding: chunked\r\n', `3e8\r\n${'x'.repeat(1_000)}\r\n1\r\nx`)],
    ['without a length', respond('', 'x'.repeat(1_001))],
  ])('is not read: a body that is too large, %s', (_, text) => {
    expect(() => read([Buffer.from(text)])).toThrow(expect.objectContaining({ kind: 'too-large' }));
  });

  it.each([
    ['head', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['body', respond('content-length: 5\r\n', 'hell')],
    ['chunk', respond('transfer-encoding: chunked\r\n', '5\r\nhell')],
    ['series of chunks', respond('transfer-encoding: chunked\r\n', '5\r\nhello\r\n')],
    ['trailer', respond('transfer-encoding: chunked\r\n', '0\r\nx: y\r\n')],
    ['wait after an interim response', 'HTTP/1.1 100 Continue\r\n\r\n'],
  ])('is cut off when its connection ends in the middle of a %s', (_, text) => {
    expect(() => read([Buffer.from(text)], { isEnded: true })).toThrow(expect.objectContaining({ kind: 'cut' }));
  });
});
