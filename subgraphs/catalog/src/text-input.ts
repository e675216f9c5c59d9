import { refuse } from '@souk/platform/errors';

/** @throws {Refused} LIMIT_REACHED when a list is longer than it may be */
export function checkCount(list: readonly unknown[], maximum: number, field: string[]): void {
  if (list.length > maximum) refuse('LIMIT_REACHED', `Expected at most ${maximum}, got ${list.length}.`, { field });
}

/** A tag as it is compared: lower case, full-width forms replaced, single spaces. */
export function normaliseTag(tag: string): string {
  return tag.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
