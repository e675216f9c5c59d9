import { CallFailure } from '../call-failure.ts';

/** What a response says of itself before its body. */
export interface ResponseHead {
  status: number;
  /** Whether another one follows for the same request: a status from 100 on. */
  isInterim: boolean;
  /** How many bytes its body has, or how they are told to end. */
  length: number | 'chunked' | 'until-end';
  saysClose: boolean;
  isLast: boolean;
  keepsAliveMs: number | undefined;
}

/** A status line and header fields, without folded lines (RFC 9112, sections 4 and 5). */
const HEAD =
  /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;

/**
 * Reads a head, each of its lines with its end. How long the body is has to be told in one way, once (RFC 9112, section 6.3).
 *
 * @throws {CallFailure} `wrong-answer`
 */
export function readHead(text: string): ResponseHead {
  const [, minorVersion, digits] = HEAD.exec(text) ?? [];
  if (digits === undefined) throw wrong('the head of an HTTP response', text);
  const status = Number(digits);
  // Nobody asked for another protocol.
  if (status === 101) throw wrong('HTTP to go on', text);
  const { length, encoding, connection, keepAlive } = fieldsOf(text);
  if (length !== undefined && (encoding !== undefined || !/^\d{1,15}$/.test(length)))
    throw wrong('one length of the body', text);
  if (encoding !== undefined && (encoding.toLowerCase() !== 'chunked' || minorVersion === '0'))
    throw wrong('chunks or a length', text);
  const saysClose = connection !== undefined && connection !== 'keep-alive' && hasOption(connection, 'close');
  const isOver = saysClose || (minorVersion === '0' && !(connection && hasOption(connection, 'keep-alive')));
  const isInterim = status < 200;
  const bodyLength = lengthOf(status, length, encoding);
  return {
    status,
    isInterim,
    length: bodyLength,
    saysClose,
    isLast: isOver || bodyLength === 'until-end',
    keepsAliveMs: keepAlive === undefined ? undefined : timeoutOf(keepAlive),
  };
}

function lengthOf(status: number, length: string | undefined, encoding: string | undefined): ResponseHead['length'] {
  if (status === 204 || status === 304) return 0;
  if (encoding !== undefined) return 'chunked';
  return length === undefined ? 'until-end' : Number(length);
}

interface Fields {
  length?: string;
  encoding?: string;
  connection?: string;
  keepAlive?: string;
}

/** The fields that say where a response ends, and what comes after it. */
function fieldsOf(text: string): Fields {
  const fields: Fields = {};
  for (let at = text.indexOf('\r\n') + 2; at < text.length; ) {
    const colon = text.indexOf(':', at);
    const end = text.indexOf('\r\n', colon);
    const name = fieldNamed(text, at, colon);
    if (name) {
      const value = text.slice(colon + 1, end).trim();
      const before = fields[name];
      // A length or an encoding that is told twice is none: no digits, and not `chunked`.
      fields[name] = before === undefined ? value : `${before}, ${value}`;
    }
    at = end + 2;
  }
  return fields;
}

const names: readonly (readonly [string, keyof Fields])[] = [
  ['content-length', 'length'],
  ['transfer-encoding', 'encoding'],
  ['connection', 'connection'],
  ['keep-alive', 'keepAlive'],
];

/** Most fields need not be looked at any closer than how long their names are. */
function fieldNamed(text: string, at: number, colon: number): keyof Fields | undefined {
  for (const [name, field] of names)
    if (name.length === colon - at && text.slice(at, colon).toLowerCase() === name) return field;
  return undefined;
}

function hasOption(connection: string, wanted: string): boolean {
  return connection.split(',').some((option) => option.trim().toLowerCase() === wanted);
}

/** Each server says the same of it with each answer. */
function timeoutOf(keepAlive: string): number | undefined {
  if (keepAlive === lastKeepAlive) return lastTimeoutMs;
  const [, seconds] = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(keepAlive) ?? [];
  lastKeepAlive = keepAlive;
  lastTimeoutMs = seconds === undefined ? undefined : Number(seconds) * 1_000;
  return lastTimeoutMs;
}

let lastKeepAlive: string | undefined;
let lastTimeoutMs: number | undefined;

function wrong(expected: string, text: string): CallFailure {
  const [first = ''] = text.split('\r\n', 1);
  return new CallFailure('wrong-answer', `Expected ${expected}, got ${JSON.stringify(first.slice(0, 80))}.`);
}
