import { describe, it } from 'vitest';
import { type Corruption, expectBroken, useTestShop } from './test-shop.ts';

const shop = useTestShop();

const corruptions: Corruption[] = [
  {
    breaks: 'A1',
    by: 'a used token works again, beside its successor',
    change: ({ change, sessions }) =>
      change('user', 'UPDATE refresh_tokens SET used_at = NULL WHERE session_id = ?', sessions.live),
  },
  {
    breaks: 'A2',
    by: 'a family ended because a token came twice, and goes on',
    change: ({ change, sessions }) =>
      change('user', 'UPDATE sessions SET revoked_at = NULL WHERE id = ?', sessions.reused),
  },
  {
    breaks: 'A2',
    by: 'a token was given for one that had a successor already',
    change: ({ change, sessions }) =>
      change(
        'user',
        `INSERT INTO refresh_tokens (hash, session_id, expires_at, used_at)
         VALUES (UNHEX(SHA2('other', 256)), ?, CURRENT_TIMESTAMP(3) + INTERVAL 1 DAY, CURRENT_TIMESTAMP(3))`,
        sessions.live,
      ),
  },
  {
    breaks: 'A3',
    by: 'a token was given after its family was revoked',
    change: ({ change, sessions }) =>
      change(
        'user',
        'UPDATE refresh_tokens SET created_at = CURRENT_TIMESTAMP(3) WHERE session_id = ? AND used_at IS NULL',
        sessions.reused,
      ),
  },
  {
    breaks: 'A4',
    by: 'a token is stored as it is',
    change: ({ change, sessions }) =>
      change(
        'user',
        "UPDATE refresh_tokens SET hash = 'q8Xw2Zp0Lk7Vt5Rb9Ny3Mc6Jh1Gf4Ds_' WHERE session_id = ? AND used_at IS NULL",
        sessions.live,
      ),
  },
  {
    breaks: 'A4',
    by: 'a column for hashes takes text',
    change: ({ change }) => change('user', 'ALTER TABLE mailed_tokens MODIFY hash VARCHAR(64) NOT NULL'),
    restore: ({ change }) => change('user', 'ALTER TABLE mailed_tokens MODIFY hash BINARY(32) NOT NULL'),
  },
  {
    breaks: 'A5',
    by: 'somebody was suspended and is still signed in',
    change: ({ change, users }) =>
      change('user', 'UPDATE users SET suspended_at = CURRENT_TIMESTAMP(3) WHERE id = ?', users.ada),
  },
  {
    breaks: 'A5',
    by: 'somebody has deleted their account and is still signed in',
    change: ({ change, users }) =>
      change('user', 'UPDATE users SET deleted_at = CURRENT_TIMESTAMP(3) WHERE id = ?', users.ada),
  },
  {
    breaks: 'A5',
    by: 'a token from before a new password still works',
    change: ({ change, users }) =>
      change(
        'user',
        "UPDATE mails SET created_at = CURRENT_TIMESTAMP(3) WHERE user_id = ? AND kind = 'PASSWORD_CHANGED'",
        users.ada,
      ),
  },
  {
    breaks: 'A6',
    by: 'a password is hashed with too little memory',
    change: ({ change, users }) =>
      change(
        'user',
        "UPDATE users SET password_hash = REPLACE(password_hash, 'm=19456', 'm=9216') WHERE id = ?",
        users.eve,
      ),
  },
  {
    breaks: 'A6',
    by: 'a password is hashed with one pass',
    change: ({ change, users }) =>
      change('user', "UPDATE users SET password_hash = REPLACE(password_hash, 't=2', 't=1') WHERE id = ?", users.eve),
  },
  {
    breaks: 'A6',
    by: 'a password is hashed with something else',
    change: ({ change, users }) =>
      change(
        'user',
        "UPDATE users SET password_hash = '$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW' WHERE id = ?",
        users.eve,
      ),
  },
  {
    breaks: 'A7',
    by: 'a revocation would be forgotten with Redis',
    isSettled: true,
    change: ({ change }) => change('user', 'DELETE FROM access_changes'),
  },
];

describe('an invariant of sessions goes red, and no other, when', () => {
  it.each(corruptions)('$breaks: $by', (corruption) => expectBroken(shop, corruption));
});
