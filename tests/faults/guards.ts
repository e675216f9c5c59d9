import type { Edit } from './edit.ts';

/** What keeps the promises, each with the edit that takes it away: without it the tests must notice, or they would not notice its loss either. */
const guards = {} satisfies Record<string, readonly Edit[]>;

export type GuardName = keyof typeof guards;
export const guardNames = Object.keys(guards) as GuardName[];

export function guardEdits(name: GuardName): readonly Edit[] {
  return guards[name] ?? [];
}
