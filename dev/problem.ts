/**
 * Something the person at the keyboard can mend. The message is one clear sentence that says what is wrong and what to do about it;
 * it is shown without a stack, because the stack would only hide it.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** The last lines of a log, for the end of a `Problem` whose cause only the log knows. */
export function lastLines(text: string, count = 12): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-count)
    .map((line) => `    ${line}`)
    .join('\n');
}
