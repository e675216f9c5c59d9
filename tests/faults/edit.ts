import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * A change to a source file that is made only in the memory of a process under test, while it loads the file. What a shop runs has no trace of it.
 * `find` must stand in the file exactly once, so a change of the code that moves a point or a guard is noticed by the next test.
 */
export interface Edit {
  /** From the root of the project. */
  file: string;
  find: string;
  replace: string;
}

const root = new URL('../../', import.meta.url);

/** The text of a file after these edits. @throws when one of them does not apply */
export function edited(text: string, edits: readonly Edit[]): string {
  return edits.reduce((result, { file, find, replace }) => {
    const parts = result.split(find);
    if (parts.length === 2) return parts.join(replace);
    throw new Error(`Expected this text once in ${file}, found it ${parts.length - 1} times:\n${find}`);
  }, text);
}

export function urlOf(file: string): string {
  return new URL(file, root).href;
}

/** The same for the file as it is on the disk. */
export function editedFile(file: string, edits: readonly Edit[]): string {
  return edited(readFileSync(fileURLToPath(urlOf(file)), 'utf8'), edits);
}
