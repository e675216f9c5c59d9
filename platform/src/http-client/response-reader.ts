import { CallFailure } from '../call-failure.ts';
import { type ResponseHead, readHead } from './response-head.ts';

/** A whole response. */
export interface HttpResponse {
  status: number;
  /** Its body, read as UTF-8. */
  text: string;
  /** Whether each letter of it is one byte. */
  isAscii: boolean;
  /** Whether it says of itself that it is the last one on its connection (RFC 9112, section 9.6). */
  saysClose: boolean;
  /** Whether another one may follow on its connection. */
  isLast: boolean;
  /** For how long the other side keeps a connection that rests; undefined when it does not say. */
  keepsAliveMs: number | undefined;
}

export interface ResponseReader {
  /**
   * Takes the next bytes of a connection, which may be used for something else afterwards, and gives the responses that end in them.
   *
   * @throws {CallFailure} `wrong-answer` when they are no HTTP, or such as can be read in two ways; `too-large`. What follows is not to be read then
   */
  take(bytes: Buffer): void;
  /** The connection has ended, as the body of a response without a length does. @throws {CallFailure} `cut` when it ended in the middle of a response */
  end(): void;
  /** Whether the last bytes ended with the end of a response. */
  isBetween(): boolean;
}

export interface ResponseReaderOptions {
  maxBodyBytes: number;
  onResponse(response: HttpResponse): void;
}

/** Of all heads until a response is whole, of all trailers, of a line before a chunk. */
const MAX_HEAD_BYTES = 16 * 1024;
const EMPTY = Buffer.alloc(0);
/** The letter for what is no UTF-8. It also stands for single bytes. */
const REPLACEMENT = '\uFFFD';
const LINE_END = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Reads HTTP/1.1 responses to POST requests (RFC 9112). It is strict, because on a connection that several requests use one after the other, whoever is wrong about
 * where a response ends gives one client the answer to another: what may be read in two ways is not read at all.
 */
export function createResponseReader({ maxBodyBytes, onResponse }: ResponseReaderOptions): ResponseReader {
  /** Reads what is expected next, from a place on. Gives the place behind it; undefined when not all of it is there, and nothing was read. */
  let expected: (bytes: Buffer, at: number) => number | undefined = head;
  /** What has been received of something that is read at once. */
  let held = EMPTY;
  let headBytes = 0;
  let current: ResponseHead | undefined;
  let pieces: Buffer[] = [];
  let size = 0;
  /** How much is missing of the body, or of the chunk. */
  let missing = 0;

  function head(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(HEAD_END, at);
    if (end < 0) return hold(bytes.length - at);
    headBytes += end - at;
    if (headBytes > MAX_HEAD_BYTES) throw wrong('a shorter head');
    const next = end + HEAD_END.length;
    current = readHead(bytes.toString('latin1', at, end + LINE_END.length));
    if (current.isInterim) return next;
    headBytes = 0;
    const { length } = current;
    if (length === 'chunked') expected = chunkSize;
    else if (length === 'until-end') expected = rest;
    else return fixed(bytes, next, length);
    return next;
  }

  /** Most bodies are there with their heads, and are read where they are. */
  function fixed(bytes: Buffer, at: number, length: number): number {
    if (length > maxBodyBytes) throw tooLarge();
    if (bytes.length - at >= length) {
      finish(bytes.toString('utf8', at, at + length), length);
      return at + length;
    }
    missing = length;
    expected = body;
    return at;
  }

  function body(bytes: Buffer, at: number): number {
    const next = keep(bytes, at);
    if (missing === 0) finishPieces();
    return next;
  }

  function rest(bytes: Buffer, at: number): number {
    missing = bytes.length - at;
    return keep(bytes, at);
  }

  function chunkSize(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(LINE_END, at);
    if (end < 0) return hold(bytes.length - at);
    const [, digits] = CHUNK_SIZE.exec(bytes.toString('latin1', at, end)) ?? [];
    if (digits === undefined) throw wrong('the size of a chunk');
    missing = Number.parseInt(digits, 16);
    expected = missing === 0 ? trailer : chunk;
    return end + LINE_END.length;
  }

  function chunk(bytes: Buffer, at: number): number {
    const next = keep(bytes, at);
    if (missing === 0) expected = chunkEnd;
    return next;
  }

  function chunkEnd(bytes: Buffer, at: number): number | undefined {
    if (bytes.length - at < LINE_END.length) return hold(bytes.length - at);
    if (bytes.indexOf(LINE_END, at) !== at) throw wrong('the end of a chunk');
    expected = chunkSize;
    return at + LINE_END.length;
  }

  function trailer(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(LINE_END, at);
    if (end < 0) return hold(bytes.length - at);
    headBytes += end - at;
    if (headBytes > MAX_HEAD_BYTES) throw wrong('fewer trailers');
    const next = end + LINE_END.length;
    if (end === at) finishPieces();
    else if (!TRAILER.test(bytes.toString('latin1', at, end))) throw wrong('a trailer');
    return next;
  }

  function hold(length: number): undefined {
    if (length > MAX_HEAD_BYTES) throw wrong('a shorter line');
  }

  function keep(bytes: Buffer, at: number): number {
    const end = Math.min(at + missing, bytes.length);
    size += end - at;
    if (size > maxBodyBytes) throw tooLarge();
    // Whose bytes they are, uses them again.
    pieces.push(Buffer.from(bytes.subarray(at, end)));
    missing -= end - at;
    return end;
  }

  function finishPieces(): void {
    finish(Buffer.concat(pieces, size).toString(), size);
  }

  function finish(text: string, bytes: number): void {
    if (!current) return;
    const { status, saysClose, isLast, keepsAliveMs } = current;
    current = undefined;
    expected = head;
    headBytes = 0;
    pieces = [];
    size = 0;
    onResponse({
      status,
      text,
      isAscii: text.length === bytes && !text.includes(REPLACEMENT),
      saysClose,
      isLast,
      keepsAliveMs,
    });
  }

  return {
    take(given) {
      const bytes = held.length === 0 ? given : Buffer.concat([held, given]);
      held = EMPTY;
      for (let at = 0; at < bytes.length; ) {
        const next = expected(bytes, at);
        if (next === undefined) {
          held = Buffer.from(bytes.subarray(at));
          return;
        }
        at = next;
      }
    },
    end() {
      if (expected === rest) finishPieces();
      else if (!isBetween()) throw new CallFailure('cut', 'The connection ended in the middle of an answer.');
    },
    isBetween,
  };

  function isBetween(): boolean {
    return expected === head && held.length === 0 && headBytes === 0;
  }
}

const CHUNK_SIZE = /^([\da-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/i;
const TRAILER = /^[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*$/;

function wrong(expected: string): CallFailure {
  return new CallFailure('wrong-answer', `Expected ${expected}, got something else.`);
}

function tooLarge(): CallFailure {
  return new CallFailure('too-large', 'The answer is larger than allowed.');
}
