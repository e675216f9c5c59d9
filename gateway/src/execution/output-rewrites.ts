import type { FetchDataRewrite } from '@apollo/query-planner';

/**
 * Renames what was asked under an alias because of a conflict, as Apollo Gateway does it (`applyRewrites`). An answer that is shared may be rewritten several
 * times: the first time does it all.
 */
export function rewriteAnswer(answer: unknown, rewrites: readonly FetchDataRewrite[] | undefined): void {
  for (const rewrite of rewrites ?? []) {
    if (rewrite.kind !== 'KeyRenamer') continue;
    const path = rewrite.path.filter((element) => !element.startsWith('... on '));
    rename(answer, path, rewrite.renameKeyTo);
  }
}

function rename(value: unknown, path: readonly string[], to: string): void {
  if (Array.isArray(value)) {
    for (const item of value) rename(item, path, to);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const [name = '', ...rest] = path;
  const object = value as Record<string, unknown>;
  const found = Object.hasOwn(object, name) ? object[name] : undefined;
  if (rest.length > 0) rename(found, rest, to);
  // What is null, 0, false or empty stays under its alias there too.
  else if (found) {
    object[to] = found;
    object[name] = undefined;
  }
}
