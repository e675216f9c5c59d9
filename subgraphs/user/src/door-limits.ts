import { type Database, must, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { type DoorLimits, defaultDoorLimits, doorLimitsShape } from '@souk/platform/door-limits';
import { refuse } from '@souk/platform/errors';
import { eq, sql } from 'drizzle-orm';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { type DoorLimitsRow, doorLimits } from './tables.ts';

/** The limits that hold, and who set them when. */
export type SetDoorLimits = DoorLimits & Pick<DoorLimitsRow, 'version' | 'updatedBy' | 'updatedAt'>;

/** Absent limits stay as they are; null brings back the default. */
export type DoorLimitsChange = { [Limit in keyof DoorLimits]?: DoorLimits[Limit] | null | undefined } & {
  expectedVersion: number;
};

const SINGLE_ROW = 1;

export async function currentDoorLimits(db: Reader): Promise<SetDoorLimits> {
  return shown(await doorLimitsRow(db));
}

export async function doorLimitsRow(db: Reader): Promise<DoorLimitsRow> {
  const [row] = await db.select().from(doorLimits).where(eq(doorLimits.id, SINGLE_ROW));
  return row ?? missingRow();
}

/** What staff have set, and the defaults for the rest. */
export function effectiveLimits({ settings }: DoorLimitsRow): DoorLimits {
  return { ...defaultDoorLimits, ...settings };
}

/**
 * Sets how much gateways take. They follow within a second.
 *
 * @throws {Refused} INVALID, STALE_VERSION with the present limits
 */
export async function setDoorLimits(
  db: Database,
  author: { userId: string },
  { expectedVersion, ...change }: DoorLimitsChange,
): Promise<{ limits: SetDoorLimits }> {
  const limits = await transaction(db, async (tx) => {
    const present = await lockRow(tx);
    if (present.version !== expectedVersion) {
      refuse('STALE_VERSION', 'Somebody else changed the limits since you read them.', {}, { limits: shown(present) });
    }
    await tx
      .update(doorLimits)
      .set({
        settings: settingsAfter(present.settings, change),
        version: sql`${doorLimits.version} + 1`,
        updatedBy: author.userId,
      })
      .where(must(eq(doorLimits.id, SINGLE_ROW)));
    await recordAccessChanges(tx, [{ kind: 'LIMITS', subject: author.userId }]);
    return shown(await lockRow(tx));
  });
  accessBell.ring(db);
  return { limits };
}

function settingsAfter(
  present: Partial<DoorLimits>,
  change: Omit<DoorLimitsChange, 'expectedVersion'>,
): Partial<DoorLimits> {
  const given = Object.entries(change).filter(([, limit]) => limit !== undefined);
  const settings = Object.fromEntries(
    Object.entries({ ...present, ...Object.fromEntries(given) }).filter(([, limit]) => limit !== null),
  );
  const { error } = doorLimitsShape.partial().safeParse(settings);
  const [issue] = error?.issues ?? [];
  if (issue) refuse('INVALID', issue.message, { field: ['input', ...issue.path.map(String)] });
  return settings;
}

function shown(row: DoorLimitsRow): SetDoorLimits {
  const { version, updatedBy, updatedAt } = row;
  return { ...effectiveLimits(row), version, updatedBy, updatedAt };
}

async function lockRow(tx: Transaction): Promise<DoorLimitsRow> {
  const [row] = await tx.select().from(doorLimits).where(eq(doorLimits.id, SINGLE_ROW)).for('update');
  return row ?? missingRow();
}

function missingRow(): never {
  throw new Error('Expected the row of door limits; migrations make it.');
}
