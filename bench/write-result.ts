import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Keeps the last result of a measurement, in the place of the one before. @returns the file */
export function writeResult(name: 'gateway' | 'shop' | 'endurance', text: string): string {
  const file = fileURLToPath(new URL(`results/${name}.md`, import.meta.url));
  mkdirSync(new URL('results/', import.meta.url), { recursive: true });
  writeFileSync(file, text);
  return file;
}
