import { bytesToId } from '@souk/platform/id';
import { type Breaking, breakingRows, type Invariant, type ShopRows, together } from './invariant.ts';
import { ago, readable } from './source.ts';

/** A family is all refresh tokens that follow from one sign-in: a session. */
export const sessions: Invariant[] = [
  {
    id: 'A1',
    kind: 'S',
    says: 'A family has at most one refresh token that works.',
    breaking: ({ user }) =>
      user.breaking(`
        SELECT t.session_id AS sessionId, t.tokens FROM (
          SELECT session_id, COUNT(*) AS tokens FROM refresh_tokens WHERE used_at IS NULL AND expires_at > CURRENT_TIMESTAMP(3) GROUP BY session_id HAVING COUNT(*) > 1
        ) t JOIN sessions s ON s.id = t.session_id WHERE s.revoked_at IS NULL`),
  },
  {
    id: 'A2',
    kind: 'S',
    says: 'A family in which a token was used twice is revoked.',
    // Each token but the first follows from one before it. One that follows from none was given for a token that had another successor already.
    breaking: ({ user }) =>
      user.breaking(`
        SELECT id AS sessionId, revoked_because AS because FROM sessions WHERE revoked_because IS NOT NULL AND revoked_at IS NULL
        UNION ALL
        SELECT t.session_id, 'two tokens follow from one' FROM (
          SELECT session_id FROM refresh_tokens GROUP BY session_id HAVING COUNT(*) - COUNT(successor_hash) > 1 AND SUM(used_at IS NULL) <= 1
        ) t JOIN sessions s ON s.id = t.session_id WHERE s.revoked_at IS NULL`),
  },
  {
    id: 'A3',
    kind: 'S',
    says: 'No token of a family was given or used after the family was revoked.',
    breaking: ({ user }) =>
      user.breaking(`
        SELECT s.id AS sessionId, s.revoked_at AS revokedAt, t.created_at AS givenAt, t.used_at AS usedAt
        FROM sessions s JOIN refresh_tokens t ON t.session_id = s.id
        WHERE s.revoked_at IS NOT NULL AND (${muchLater('t.created_at', 's.revoked_at')} OR ${muchLater('t.used_at', 's.revoked_at')})`),
  },
  {
    id: 'A4',
    kind: 'S',
    says: 'Of tokens, only hashes are stored.',
    breaking: async ({ user }) =>
      together(
        await user.breaking(
          `SELECT table_name AS tableName, column_name AS columnName, column_type AS columnType FROM information_schema.columns
           WHERE table_schema = DATABASE() AND table_name IN ('refresh_tokens', 'mailed_tokens') AND column_name LIKE '%hash' AND column_type <> 'binary(32)'`,
        ),
        await user.breaking(
          `SELECT session_id AS sessionId, 'refresh_tokens' AS tableName FROM refresh_tokens WHERE ${isText('hash')}`,
        ),
        await user.breaking(
          `SELECT user_id AS userId, 'mailed_tokens' AS tableName FROM mailed_tokens WHERE ${isText('hash')}`,
        ),
      ),
  },
  {
    id: 'A5',
    kind: 'S',
    says: 'A new password, a suspension and the end of an account have ended the families from before.',
    breaking: ({ user }) =>
      user.breaking(`
        SELECT s.id AS sessionId, u.id AS userId, IF(u.deleted_at IS NULL, 'suspended', 'deleted') AS because FROM users u JOIN sessions s ON s.user_id = u.id
        WHERE ${isLive} AND (u.deleted_at IS NOT NULL OR s.created_at < u.suspended_at)
        UNION ALL
        SELECT s.id, s.user_id, 'new password' FROM mails m JOIN sessions s ON s.user_id = m.user_id
        WHERE m.kind = 'PASSWORD_CHANGED' AND ${isLive} AND s.created_at < m.created_at
          AND EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.session_id = s.id AND t.created_at < m.created_at)`),
  },
  {
    id: 'A6',
    kind: 'S',
    says: 'Passwords are hashed with argon2id, 19 MiB and two passes at least.',
    breaking: ({ user }) =>
      user.breaking(`
        SELECT id AS userId, LEFT(password_hash, 31) AS hashedWith FROM users
        WHERE password_hash NOT LIKE '$argon2id$v=19$m=19456,t=2,p=1$%' AND NOT (password_hash LIKE '$argon2id$v=19$m=%,t=%,p=%$%$%'
          AND CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(password_hash, ',t=', 1), '$m=', -1) AS UNSIGNED) >= 19456
          AND CAST(SUBSTRING_INDEX(SUBSTRING_INDEX(password_hash, ',t=', -1), ',', 1) AS UNSIGNED) >= 2)`),
  },
  {
    id: 'A7',
    kind: 'Q',
    says: 'Every revocation that a living token could outlast stands where the gateways learn of it after Redis was wiped.',
    breaking: unannouncedRevocations,
  },
];

const isLive = 's.revoked_at IS NULL AND s.expires_at > CURRENT_TIMESTAMP(3)';

/** The clock of a statement stops while it waits for a lock, which it does for 3 s at most. */
const muchLater = (instant: string, than: string) => `${instant} > ${than} + INTERVAL 5 SECOND`;

/** All of it is printable ASCII, which a hash is once in seventy million million times. The first bytes tell of most that they are not. */
const isText = (column: string) =>
  `${[1, 2, 3, 4].map((position) => `ORD(SUBSTR(${column}, ${position}, 1)) BETWEEN 32 AND 126`).join(' AND ')} AND CONVERT(${column} USING latin1) REGEXP '^[ -~]{32}$'`;

/** Longer than any access token lives, with what a request may take. */
const OUTLASTED_SECONDS = 600;

async function unannouncedRevocations({ user }: ShopRows): Promise<Breaking> {
  const ended = await user.rows<{ id: Buffer }>(`SELECT id FROM sessions WHERE revoked_at > ${ago(OUTLASTED_SECONDS)}`);
  const shutOut = await user.rows<{ id: Buffer }>(
    `SELECT id FROM users WHERE suspended_at > ${ago(OUTLASTED_SECONDS)} OR deleted_at > ${ago(OUTLASTED_SECONDS)}`,
  );
  const announced = await user.rows<{ kind: string; subject: string }>(
    `SELECT kind, subject FROM access_changes WHERE changed_at > ${ago(OUTLASTED_SECONDS + 60)} AND version <= (SELECT version FROM access_version)`,
  );
  const known = new Set(announced.map(({ kind, subject }) => `${kind} ${subject}`));
  return breakingRows([
    ...ended
      .filter(({ id }) => !known.has(`SESSION ${bytesToId('Session', id)}`))
      .map(({ id }) => readable({ sessionId: id })),
    ...shutOut
      .filter(({ id }) => !known.has(`USER ${bytesToId('User', id)}`))
      .map(({ id }) => readable({ userId: id })),
  ]);
}
