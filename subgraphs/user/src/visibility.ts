import type { Viewer } from '@souk/platform/identity';

/**
 * Who may see somebody's account, addresses and sessions: that person, and staff who may read users. For everybody else there is no such object.
 */
export function maySee(viewer: Viewer | null, ownerId: string): boolean {
  return viewer?.userId === ownerId || mayReadUsers(viewer);
}

export function mayReadUsers(viewer: Viewer | null): boolean {
  return viewer?.scopes.has('user:read') ?? false;
}
