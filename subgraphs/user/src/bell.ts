import type { Database } from '@souk/platform/database';

/**
 * Lets a verb say, after its transaction, that there is something to do now instead of at the next sweep.
 * Nobody need listen, and a bell that is not rung delays work but loses none.
 */
export interface Bell {
  ring(db: Database): void;
  /** @returns how to stop listening */
  answer(db: Database, listener: () => void): () => void;
}

export function createBell(): Bell {
  const listeners = new WeakMap<Database, () => void>();
  return {
    ring: (db) => listeners.get(db)?.(),
    answer(db, listener) {
      listeners.set(db, listener);
      return () => listeners.delete(db);
    },
  };
}
