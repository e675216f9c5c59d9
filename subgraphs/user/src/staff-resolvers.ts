import { payload } from '@souk/platform/errors';
import { addEntry, removeEntry } from './access-list.ts';
import { changing, viewerOf } from './context.ts';
import { setDoorLimits } from './door-limits.ts';
import type { MutationResolvers } from './generated/resolvers.ts';
import { shownKeys } from './keys.ts';
import { setRoleScopes } from './role.ts';
import { reinstate, setRoles, suspend } from './staff.ts';

/** What staff do to accounts of others, and to who may do what. */
export const staffMutations = {
  userRolesSet: (_root, { input }, context) =>
    payload(() => changing(context, setRoles(context.db, viewerOf(context), input))),
  userSuspend: (_root, { input }, context) =>
    payload(() => changing(context, suspend(context.db, viewerOf(context), input))),
  userReinstate: (_root, { userId }, context) => payload(() => changing(context, reinstate(context.db, userId))),
  roleScopesSet: (_root, { input }, context) => payload(() => changing(context, setRoleScopes(context.db, input))),
  doorLimitsSet: (_root, { input }, context) =>
    payload(() => changing(context, setDoorLimits(context.db, viewerOf(context), input))),
  accessEntryAdd: (_root, { input }, context) =>
    payload(() => {
      const author = { userId: viewerOf(context).userId, clientIp: context.clientIp };
      return changing(context, addEntry(context.db, author, input));
    }),
  signingKeysRotate: (_root, { compromised }, { db, keys }) =>
    payload(async () => {
      await (compromised ? keys.replaceAll() : keys.rotateNow());
      return { signingKeys: await shownKeys(db) };
    }),
  accessEntryRemove: (_root, { id }, context) => payload(() => changing(context, removeEntry(context.db, id))),
} satisfies MutationResolvers;
