import { badUserInput } from '@souk/platform/errors';
import { typeOfId } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';
import type { Viewer } from '@souk/platform/identity';
import type { Loaders } from './loaders.ts';
import type { AddressRow, SessionRow, UserRow } from './tables.ts';
import { mayReadUsers, maySee } from './visibility.ts';

/** Types of other subgraphs that `node` can name: the gateway asks their owner for everything but the id. */
const foreignTypes = ['Product', 'ProductVariant', 'Category', 'Brand', 'Cart', 'Order', 'Payment'] as const;
type ForeignType = (typeof foreignTypes)[number];

export type NodeStub = UserRow | AddressRow | SessionRow | { __typename: ForeignType; id: string };

const MAXIMUM_NODES = 50;

/** What an id names: objects of this subgraph as far as the viewer may see them, a stub of anything else; null for what is no id of a node. */
export async function nodeById(loaders: Loaders, viewer: Viewer | null, id: string): Promise<NodeStub | null> {
  const type = typeOfId(id);
  switch (type) {
    case 'User':
      return visibleUser(loaders, viewer, id);
    case 'Address':
      return visibleAddress(loaders, viewer, id);
    case 'Session':
      return visibleSession(loaders, viewer, id);
    default:
      return isForeign(type) ? { __typename: type, id } : null;
  }
}

/** @throws BAD_USER_INPUT for more than 50 ids */
export function nodesById(
  loaders: Loaders,
  viewer: Viewer | null,
  ids: readonly string[],
): Promise<(NodeStub | null)[]> {
  if (ids.length > MAXIMUM_NODES) throw badUserInput(`Expected at most ${MAXIMUM_NODES} ids, got ${ids.length}.`);
  return Promise.all(ids.map((id) => nodeById(loaders, viewer, id)));
}

export async function visibleUser(loaders: Loaders, viewer: Viewer | null, id: string): Promise<UserRow | null> {
  const user = maySee(viewer, id) ? await loaders.userById.load(id) : null;
  // Of a deleted account only staff see what is left.
  return user?.deletedAt && !mayReadUsers(viewer) ? null : user;
}

export async function visibleAddress(loaders: Loaders, viewer: Viewer | null, id: string): Promise<AddressRow | null> {
  const address = viewer ? await loaders.addressById.load(id) : null;
  return address && maySee(viewer, address.userId) ? address : null;
}

export async function visibleSession(loaders: Loaders, viewer: Viewer | null, id: string): Promise<SessionRow | null> {
  const session = viewer ? await loaders.sessionById.load(id) : null;
  return session && maySee(viewer, session.userId) ? session : null;
}

function isForeign(type: IdKind | undefined): type is ForeignType {
  return foreignTypes.some((foreign) => foreign === type);
}
