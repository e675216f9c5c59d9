import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '../problem.ts';
import { type Change, idOf } from './change.ts';

/** That somebody has looked at a change that would fail, and wants it. It is committed with the change, so that whoever reviews one sees the other. */
export interface Approval {
  /** Kind and coordinate, as reports print them: `FIELD_REMOVED Order.note`. */
  change: string;
  /** Why, in a sentence. */
  reason: string;
  /** The last day on which it counts, `YYYY-MM-DD`: an approval is for one change, not for ever. */
  until: string;
}

/** Notes on each change that is approved why it is. */
export function approve(changes: readonly Change[], approvals: readonly Approval[], today: string): Change[] {
  return changes.map((change) => {
    const approval = approvals.find((candidate) => candidate.change === idOf(change) && today <= candidate.until);
    return approval ? { ...change, approval: approval.reason } : change;
  });
}

/**
 * Reads the approvals that are committed beside the SDL, in `approved-changes.json`; none when there is no such file.
 *
 * @throws {Problem} which says what is wrong with which entry
 */
export function approvalsIn(folder: string): Approval[] {
  const file = join(folder, 'approved-changes.json');
  try {
    return readApprovals(file);
  } catch (error) {
    throw new Problem('usage', (error as Error).message, { cause: error });
  }
}

function readApprovals(file: string): Approval[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const entries: unknown = JSON.parse(text);
  if (!Array.isArray(entries)) throw new Error(`Expected ${file} to hold a list of approvals.`);
  return entries.map((entry: Partial<Approval>, position) => {
    const { change, reason, until } = entry;
    if (!change || !reason || !/^\d{4}-\d\d-\d\d$/.test(until ?? '')) {
      throw new Error(
        `Expected approval ${position + 1} of ${file} to have "change" (such as "FIELD_REMOVED Order.note"), "reason", and "until" (YYYY-MM-DD).`,
      );
    }
    return { change, reason, until: until ?? '' };
  });
}
