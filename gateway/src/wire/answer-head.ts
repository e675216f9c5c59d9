import { STATUS_CODES } from 'node:http';

/** Headers of an answer, by their names. */
export type AnswerHeaders = Readonly<Record<string, string>>;

/**
 * Writes the head of an answer, but for what it says of the connection: the same as Node would of the same headers.
 *
 * @param headers whose values have no characters but printable ones of ASCII
 */
export function answerHead(status: number, headers: AnswerHeaders, bodyLength: number): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
  return `${head}content-length: ${bodyLength}\r\nDate: ${date()}\r\n`;
}

let dateText = '';
let dateSecond = 0;

/** Now, as HTTP writes it (RFC 9110, section 5.6.7). */
function date(): string {
  const second = Math.floor(Date.now() / 1_000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second * 1_000).toUTCString();
  }
  return dateText;
}
