import { type Database, must, type Reader, type Transaction, transaction } from '@souk/platform/database';
import { refuse, SoukError } from '@souk/platform/errors';
import { asc, eq, inArray, or, sql } from 'drizzle-orm';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { type Role, type RoleGrantRow, roleGrants, staffRoles } from './tables.ts';

export const staffRoleNames = ['SUPPORT', 'CATALOG_MANAGER', 'ORDER_MANAGER', 'ADMIN'] as const;

/**
 * Everything a role can permit. Scopes stand in the SDL of the subgraphs, as `@requiresScopes`; those for jobs open the gateway's board of jobs, `schema:read`
 * shows the schema where it is hidden, and `debug:read` what a request took.
 */
export const knownScopes: readonly string[] = [
  'access:read',
  'access:write',
  'catalog:write',
  'debug:read',
  'job:read',
  'job:write',
  'order:read',
  'order:write',
  'payment:read',
  'payment:write',
  'schema:read',
  'stock:read',
  'stock:write',
  'user:read',
  'user:write',
];

/** Without these nobody could ever give them back. */
const scopesAdminKeeps = ['access:read', 'access:write'];

/** What somebody is in the shop now, and what that permits. */
export async function rightsOf(db: Reader, userId: string): Promise<{ roles: Role[]; scopes: string[] }> {
  const held = db.select({ role: staffRoles.role }).from(staffRoles).where(eq(staffRoles.userId, userId));
  const grants = await db
    .select({ role: roleGrants.role, scopes: roleGrants.scopes })
    .from(roleGrants)
    .where(or(eq(roleGrants.role, 'CUSTOMER'), inArray(roleGrants.role, held)));
  return { roles: grants.map(({ role }) => role), scopes: [...new Set(grants.flatMap(({ scopes }) => scopes))].sort() };
}

export function allRoleGrants(db: Reader): Promise<RoleGrantRow[]> {
  return db.select().from(roleGrants).orderBy(asc(roleGrants.role));
}

/**
 * Sets what a role may do. Gateways follow within a second, for tokens already issued too.
 *
 * @throws {Refused} INVALID, LAST_ADMIN when ADMIN would lose the right to give rights, STALE_VERSION with the present grant
 */
export async function setRoleScopes(
  db: Database,
  change: { role: Role; scopes: readonly string[]; expectedVersion: number },
): Promise<{ grant: RoleGrantRow }> {
  const { role, scopes, expectedVersion } = change;
  const field = ['input', 'scopes'];
  const unknown = scopes.filter((scope) => !knownScopes.includes(scope));
  if (unknown.length > 0) {
    const shown = unknown.slice(0, 5).map((scope) => JSON.stringify(scope.slice(0, 40)));
    refuse('INVALID', `Expected scopes among ${knownScopes.join(', ')}; got ${shown.join(', ')}.`, { field });
  }
  if (role === 'CUSTOMER' && scopes.length > 0) {
    refuse('INVALID', 'Every account is a customer: a scope given to that role would be given to everybody.', {
      field,
    });
  }
  if (role === 'ADMIN' && !scopesAdminKeeps.every((scope) => scopes.includes(scope))) {
    refuse('LAST_ADMIN', `ADMIN keeps ${scopesAdminKeeps.join(' and ')}, or nobody could give them back.`, { field });
  }

  const grant = await transaction(db, async (tx) => {
    const present = await lockGrant(tx, role);
    if (present.version !== expectedVersion) {
      refuse('STALE_VERSION', 'Somebody else changed this role since you read it.', {}, { grant: present });
    }
    await tx
      .update(roleGrants)
      .set({ scopes: [...scopes], version: sql`${roleGrants.version} + 1` })
      .where(must(eq(roleGrants.role, role)));
    await recordAccessChanges(tx, [{ kind: 'ROLE', subject: role }]);
    return lockGrant(tx, role);
  });
  accessBell.ring(db);
  return { grant };
}

async function lockGrant(tx: Transaction, role: Role): Promise<RoleGrantRow> {
  const [grant] = await tx.select().from(roleGrants).where(eq(roleGrants.role, role)).for('update');
  if (!grant)
    throw new SoukError('INTERNAL_SERVER_ERROR', `Expected a grant for the role ${role}; migrations make one.`);
  return grant;
}
