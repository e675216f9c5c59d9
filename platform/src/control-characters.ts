/** Unicode's control characters, halves of characters that are none by themselves, and marks that turn the direction of the text after them. */
const controls = String.raw`\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069`;
const inLine = new RegExp(`[${controls}]`, 'v');
const inLines = new RegExp(`[[${controls}]--[\\n\\t]]`, 'v');

/**
 * What is wrong with the characters of a text that somebody typed: characters that are not seen but change what is make one name look like another, and break
 * lines of mails, labels and logs (https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing).
 *
 * @param hasLines whether line breaks and tabs are allowed; break lines by `\n` only
 * @returns one sentence for whoever typed it; undefined when nothing is wrong
 */
export function controlCharacterFault(text: string, { hasLines = false } = {}): string | undefined {
  if (!(hasLines ? inLines : inLine).test(text)) return undefined;
  return hasLines ? 'Expected no control characters.' : 'Expected no control characters or line breaks.';
}

/** The same text with every line break as one `\n`, as browsers and systems write them differently. */
export function withPlainLineBreaks(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}
