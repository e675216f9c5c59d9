/** One part of an answer as it comes over the wire: the first is like a whole answer, the others have `incremental`. */
export interface AnswerPart {
  data?: unknown;
  errors?: AnswerError[];
  incremental?: IncrementalPart[];
  hasNext: boolean;
}

export interface IncrementalPart {
  data: unknown;
  errors?: AnswerError[];
  path: (string | number)[];
  label?: string;
}

interface AnswerError {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; requestId?: string };
}

export const PARTS = 'multipart/mixed;deferSpec=20220824';

/** Reads an answer in parts as it comes, and is strict about its form (RFC 2046, section 5.1). @throws when it ends before its end */
export async function* partsOf(response: Response): AsyncGenerator<AnswerPart, void> {
  const type = response.headers.get('content-type');
  if (type !== 'multipart/mixed; boundary="-"; deferSpec=20220824') throw new Error(`Expected parts, got ${type}.`);
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf(DELIMITER, 1); end !== -1; end = text.indexOf(DELIMITER, 1)) {
      yield partIn(text.slice(0, end));
      text = text.slice(end);
    }
  }
  if (text !== `${DELIMITER}--\r\n`) throw new Error(`Expected the end of an answer, got ${JSON.stringify(text)}.`);
}

/** Those that are still to come. */
export async function allOf(parts: AsyncIterable<AnswerPart>): Promise<AnswerPart[]> {
  const all: AnswerPart[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

const DELIMITER = '\r\n---';
const HEAD = `${DELIMITER}\r\ncontent-type: application/json; charset=utf-8\r\n\r\n`;

function partIn(text: string): AnswerPart {
  if (!text.startsWith(HEAD)) throw new Error(`Expected the head of a part, got ${JSON.stringify(text)}.`);
  return JSON.parse(text.slice(HEAD.length)) as AnswerPart;
}

/** Puts the data of parts together, as clients do. */
export function together([first, ...others]: readonly AnswerPart[]): unknown {
  const whole = structuredClone(first?.data);
  for (const { path, data } of others.flatMap(({ incremental = [] }) => incremental)) {
    merge(
      path.reduce<unknown>((value, name) => (value as Record<string | number, unknown>)[name], whole),
      data,
    );
  }
  return whole;
}

function merge(into: unknown, from: unknown): unknown {
  if (typeof into !== 'object' || into === null || typeof from !== 'object' || from === null) return from;
  const object = into as Record<string, unknown>;
  for (const [name, value] of Object.entries(from)) {
    const merged = Object.hasOwn(object, name) ? merge(object[name], value) : value;
    Object.defineProperty(object, name, { value: merged, configurable: true, enumerable: true, writable: true });
  }
  return into;
}
