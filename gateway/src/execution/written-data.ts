import type { ApolloServerOptions } from '@apollo/server';

const START = '{"data":';
const END = '}\n';
/** Text this long is made into bytes at once: it is in thousands of pieces, and each of those who share it would go through them. */
const MAX_TEXT_LENGTH = 4_096;

/** The `data` of an answer that are written already. Whoever looks into them finds nothing; whoever makes JSON of them gets them whole. */
export class WrittenData {
  #answer: Buffer | string;

  private constructor(answer: Buffer | string) {
    this.#answer = answer;
  }

  /** @param isAscii whether it is known that each character of the text is one byte of UTF-8, which makes it faster */
  static of(text: string, isAscii = false): WrittenData {
    const answer = `${START}${text}${END}`;
    if (isAscii && text.length <= MAX_TEXT_LENGTH) return new WrittenData(answer);
    return new WrittenData(bytesOf(answer, isAscii));
  }

  /** The answer that consists of nothing else: bytes of UTF-8, which are shared, so that nobody may change them, or a short text in ASCII. */
  get answer(): Buffer | string {
    return this.#answer;
  }

  /** How many bytes that are. */
  get size(): number {
    return this.#answer.length;
  }

  /** The JSON text of the data. */
  get text(): string {
    return this.#answer.toString().slice(START.length, -END.length);
  }

  /** In one piece, for as long as it may be wanted. */
  kept(): this {
    if (typeof this.#answer === 'string') this.#answer = bytesOf(this.#answer, true);
    return this;
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

function bytesOf(text: string, isAscii: boolean): Buffer {
  const size = isAscii ? text.length : Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafeSlow(size);
  bytes.write(text, 0, size, isAscii ? 'latin1' : 'utf8');
  return bytes;
}

/** Makes the text of an answer as Apollo Server does, without reading and writing again what is written. */
export const stringifyResult: NonNullable<ApolloServerOptions<object>['stringifyResult']> = (result) => {
  const { data } = result as { data?: unknown };
  if (!(data instanceof WrittenData)) return `${JSON.stringify(result)}\n`;
  const parts = Object.entries(result).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [`${JSON.stringify(key)}:${value === data ? data.text : JSON.stringify(value)}`];
  });
  return `{${parts.join(',')}}\n`;
};
