import type { Transaction } from '@souk/platform/database';
import { emailDomainOf, emailKeyOf } from '@souk/user/email';
import { hashPassword } from '@souk/user/password-hash';
import { addresses, staffRoles, users } from '@souk/user/tables';
import { DEMO_PASSWORD } from '../demo-accounts.ts';
import { after, HOUR_MS, LAST_DAY } from './demo-time.ts';
import type { DemoPerson } from './people.ts';
import { insertRows } from './rows.ts';

/** Writes accounts with their roles and address books. Everybody has the demo's password, hashed once: a good hash takes its time. */
export async function writePeople(tx: Transaction, people: readonly DemoPerson[]): Promise<void> {
  const passwordHash = await hashPassword(DEMO_PASSWORD);
  await insertRows(
    tx,
    users,
    people.map(({ id, email, displayName, locale, createdAt }, index) => ({
      id,
      email,
      emailKey: emailKeyOf(email),
      emailDomain: emailDomainOf(emailKeyOf(email)),
      emailVerifiedAt: createdAt,
      passwordHash,
      displayName,
      locale,
      lastSignInAt: after(LAST_DAY, -index * HOUR_MS),
      createdAt,
      updatedAt: createdAt,
    })),
  );
  await insertRows(
    tx,
    staffRoles,
    people.flatMap(({ id, roles, createdAt }) => roles.map((role) => ({ userId: id, role, grantedAt: createdAt }))),
  );
  await insertRows(
    tx,
    addresses,
    people.flatMap(({ id: userId, addresses: book, createdAt }) =>
      book.map((address, position) => {
        return { ...address, userId, defaultOf: position === 0 ? userId : null, createdAt, updatedAt: createdAt };
      }),
    ),
  );
}
