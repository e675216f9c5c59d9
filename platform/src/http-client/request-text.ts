/** A request as it is written down. */
export interface RequestText {
  /** Its letters are one byte each. */
  head: string;
  /** To be written as UTF-8. */
  body: string;
  /** Whether head and body may be written as one text of one byte a letter. */
  isAscii: boolean;
}

/** A line of a header must not end in the middle, or what follows is another header, or another request. */
const PLAIN = /^[\x20-\x7e]*$/;
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;
const NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Writes POST requests with JSON to one server.
 *
 * @param host the server's name and port
 * @returns a function that throws a TypeError when a header has letters that no header may have
 */
export function createRequestWriter(
  host: string,
): (path: string, headers: Readonly<Record<string, string>>, body: string) => RequestText {
  const beginnings = new Map<string, string>();

  function beginningOf(path: string): string {
    const known = beginnings.get(path);
    if (known) return known;
    if (/[^\x21-\x7e]/.test(path) || /[^\x21-\x7e]/.test(host))
      throw new TypeError('Expected a path and a host, got other letters.');
    const beginning = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\naccept: application/json\r\n`;
    beginnings.set(path, beginning);
    return beginning;
  }

  return (path, headers, body) => {
    let head = beginningOf(path);
    let isAscii = true;
    for (const name in headers) {
      const value = headers[name];
      if (!names.has(name)) addName(name);
      if (typeof value !== 'string') throw new TypeError(`Expected a header named ${name}, got none.`);
      if (!PLAIN.test(value)) {
        if (UNFIT.test(value)) throw new TypeError(`Expected a header, got ${name} with letters that none may have.`);
        isAscii = false;
      }
      head += `${name}: ${value}\r\n`;
    }
    const bytes = Buffer.byteLength(body);
    head += `content-length: ${bytes}\r\n\r\n`;
    return { head, body, isAscii: isAscii && bytes === body.length };
  };
}

/** There are few, written in our code. */
const names = new Set<string>();

function addName(name: string): void {
  if (!NAME.test(name)) throw new TypeError(`Expected a header, got one named ${JSON.stringify(name)}.`);
  names.add(name);
}
