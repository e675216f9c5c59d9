import type { Database } from '@souk/platform/database';
import type { Sweep } from '@souk/platform/jobs';
import { pruneAccessChanges } from './access-change.ts';
import { pruneEntries } from './access-list.ts';
import { pruneAttempts } from './attempts.ts';
import type { SigningKeys } from './keys.ts';
import { pruneMails } from './mail-queue.ts';
import { pruneMailedTokens } from './mailed-token.ts';
import { pruneSessions } from './session.ts';
import { endSuspensions } from './staff.ts';
import { eraseSealedSuccessors } from './token-refresh.ts';

/** What happens by the clock. Each may run in several instances at once. */
export function createSweeps({ db, keys }: { db: Database; keys: SigningKeys }): Sweep[] {
  const every = (name: string, everyMs: number, run: (db: Database) => Promise<void>): Sweep => {
    return { name, everyMs, run: () => run(db) };
  };
  return [
    { name: 'signing-keys', everyMs: 60_000, run: keys.rotate },
    every('suspensions', 1_000, endSuspensions),
    every('access-entries', 10_000, pruneEntries),
    every('refresh-token-successors', 10_000, eraseSealedSuccessors),
    every('sessions', 60_000, pruneSessions),
    every('mailed-tokens', 60_000, pruneMailedTokens),
    every('mails-sent', 60_000, pruneMails),
    every('attempts', 60_000, pruneAttempts),
    every('access-changes', 60_000, pruneAccessChanges),
  ];
}
