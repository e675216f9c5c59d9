import { connectionOf } from '@souk/platform/connection';
import { typeOfId } from '@souk/platform/id';
import { scalarsFor } from '@souk/platform/scalars';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { allEntries } from './access-list.ts';
import { buildAccessSnapshot } from './access-snapshot.ts';
import { accountMutations } from './account-resolvers.ts';
import { addressForOrder } from './address.ts';
import { currentDoorLimits } from './door-limits.ts';
import type { Resolvers } from './generated/resolvers.ts';
import { shownKeys } from './keys.ts';
import { nodeById, nodesById, visibleAddress, visibleSession, visibleUser } from './node.ts';
import { allRoleGrants } from './role.ts';
import { staffMutations } from './staff-resolvers.ts';
import { pageOfUsers } from './user-list.ts';
import { statusOf } from './user-status.ts';
import { mayReadUsers } from './visibility.ts';

export const resolvers: Resolvers = {
  ...scalarsFor(readSubgraphSdl('user')),

  Query: {
    viewer: (_root, _args, { loaders, viewer }) => viewer && visibleUser(loaders, viewer, viewer.userId),
    node: (_root, { id }, { loaders, viewer }) => nodeById(loaders, viewer, id),
    nodes: (_root, { ids }, { loaders, viewer }) => nodesById(loaders, viewer, ids),
    user: (_root, { id }, { loaders, viewer }) => visibleUser(loaders, viewer, id),
    users: (_root, args, { db }) => pageOfUsers(db, args),
    roleGrants: (_root, _args, { db }) => allRoleGrants(db),
    accessEntries: (_root, _args, { db }) => allEntries(db),
    doorLimits: (_root, _args, { db }) => currentDoorLimits(db),
    signingKeys: (_root, _args, { db }) => shownKeys(db),
    addressForOrder: (_root, { userId, addressId }, { db }) => addressForOrder(db, userId, addressId ?? null),
    accessSnapshot: async (_root, _args, { db, tokenLifeSeconds }) =>
      JSON.stringify(await buildAccessSnapshot(db, tokenLifeSeconds)),
  },

  Mutation: { ...accountMutations, ...staffMutations },

  Node: { __resolveType: ({ id }) => typeOfId(id) as never },
  UserError: { __resolveType: () => 'AccountUserError' },

  User: {
    __resolveReference: ({ id }, { loaders, viewer }) => visibleUser(loaders, viewer, id),
    isEmailVerified: ({ emailVerifiedAt }) => emailVerifiedAt !== null,
    roles: async ({ id }, _args, { loaders }) => {
      const staffRoles = await loaders.staffRolesByUserId.load(id);
      return ['CUSTOMER', ...staffRoles.map(({ role }) => role)];
    },
    status: (user, _args, { viewer }) => (mayReadUsers(viewer) ? statusOf(user) : null),
    addresses: async ({ id }, args, { loaders }) =>
      connectionOf(await loaders.addressesByUserId.load(id), args, { name: 'addresses', key: (address) => address.id }),
    defaultShippingAddress: ({ id }, _args, { loaders }) => loaders.defaultAddressByUserId.load(id),
    sessions: ({ id }, _args, { loaders }) => loaders.sessionsByUserId.load(id),
  },

  Address: {
    __resolveReference: ({ id }, { loaders, viewer }) => visibleAddress(loaders, viewer, id),
    isDefaultShipping: ({ defaultOf }) => defaultOf !== null,
  },

  Session: {
    __resolveReference: ({ id }, { loaders, viewer }) => visibleSession(loaders, viewer, id),
    isCurrent: ({ id }, _args, { viewer }) => viewer?.sessionId === id,
  },

  DoorLimits: {
    updatedBy: ({ updatedBy }, _args, { loaders, viewer }) =>
      updatedBy === null ? null : visibleUser(loaders, viewer, updatedBy),
  },
};
