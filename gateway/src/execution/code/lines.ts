/** Lines of generated code. */
export type Lines = readonly string[];

export function block(head: string, body: Lines): Lines {
  return [`${head} {`, ...indented(body), '}'];
}

export function indented(lines: Lines): Lines {
  return lines.map((line) => `  ${line}`);
}

/** A text written as JavaScript, so that JSON in it stays readable. */
export function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}

/** A value written as JavaScript. */
export function literal(value: unknown): string {
  return JSON.stringify(value);
}
