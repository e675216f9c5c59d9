import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the SDL is: `schema/` of the folder one is in, that folder itself, or this one. */
export function schemaFolder(): string {
  const here = process.cwd();
  const candidates = [join(here, 'schema'), here, import.meta.dirname];
  return candidates.find((folder) => existsSync(join(folder, '_common.graphql'))) ?? join(here, 'schema');
}

/** Where composed graphs are kept for the next time: beside what other tools keep; nowhere when nothing is installed here. */
export function cacheFolder(): string | null {
  const modules = join(process.cwd(), 'node_modules');
  return existsSync(modules) ? join(modules, '.cache/souk-schema') : null;
}
