/**
 * The head of a request in *plain form*: one that leaves no room for a second reading. It says everything once, in characters that mean the same to everybody,
 * and how long its body is before that begins. (RFC 9112, sections 2 to 6, has many other forms; Node reads those.)
 */
export interface PlainHead {
  method: string;
  /** What stands in the first line: path and query. */
  target: string;
  /** By name in small letters; there are no others, and none is there twice. */
  headers: Readonly<Record<string, string>>;
  /** The length of the body in bytes. */
  bodyLength: number;
  /** Of the head itself, to the empty line at its end. */
  bytes: Buffer;
}

const FIRST_LINE = /^(GET|HEAD|OPTIONS|POST) (\/[\w\-.~%!$&'()*+,;=:@/?]*) HTTP\/1\.1$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e]*)$/;
const LENGTH = /^(?:0|[1-9]\d{0,6})$/;

/** Headers that change how the request, what follows it, or its connection is read. */
const notPlain = new Set([
  'content-encoding',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads the head of a request.
 *
 * @param bytes of a head, with the empty line at its end
 * @returns undefined when it has any other than the plain form
 */
export function readPlainHead(bytes: Buffer): PlainHead | undefined {
  const [firstLine = '', ...lines] = bytes.toString('latin1', 0, bytes.length - END_OF_HEAD.length).split('\r\n');
  const [, method, target] = FIRST_LINE.exec(firstLine) ?? [];
  const headers = readHeaders(lines);
  if (method === undefined || target === undefined || headers === undefined) return undefined;
  const { host, connection = 'keep-alive', 'content-length': length } = headers;
  if (host === undefined || connection.toLowerCase() !== 'keep-alive') return undefined;
  if (method === 'POST' ? length === undefined || !LENGTH.test(length) : length !== undefined) return undefined;
  return { method, target, headers, bodyLength: Number(length ?? 0), bytes };
}

export const END_OF_HEAD = '\r\n\r\n';

function readHeaders(lines: readonly string[]): Record<string, string> | undefined {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, written, value] = HEADER.exec(line) ?? [];
    if (written === undefined || value === undefined) return undefined;
    const name = written.toLowerCase();
    if (name in headers || notPlain.has(name)) return undefined;
    headers[name] = value.trimEnd();
  }
  return headers;
}
