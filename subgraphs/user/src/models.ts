import type { Connection } from '@souk/platform/connection';
import type { IssuedTokens } from './access-token.ts';
import type { SetDoorLimits } from './door-limits.ts';
import type { AccessEntryRow, AddressRow, RoleGrantRow, SessionRow, UserRow } from './tables.ts';

/** What the GraphQL types of these names are made of. */
export type User = UserRow;
export type UserConnection = Connection<UserRow>;
export type Address = AddressRow;
export type AddressConnection = Connection<AddressRow>;
export type Session = SessionRow;
export type AuthTokens = IssuedTokens;
export type RoleGrant = RoleGrantRow;
export type AccessEntry = AccessEntryRow;
export type DoorLimits = SetDoorLimits;
