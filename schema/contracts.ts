import { withDefer } from '@souk/platform/defer';
import { type GraphQLSchema, printSchema } from 'graphql';

/**
 * A *contract* is what one group of clients sees of the graph: staff see all of it, the storefront everything but what is tagged `admin`.
 * Each is served at a path of its own, and keeps its word to its own clients.
 */
export const contracts = ['storefront', 'admin'] as const;
export type Contract = (typeof contracts)[number];

/** Tags that a contract hides. */
export const hiddenTags: Record<Contract, readonly string[]> = { storefront: ['admin'], admin: [] };

/** What clients of a contract see, as SDL. Those of the storefront may take an answer in parts. */
export function apiOf(contract: Contract, schema: GraphQLSchema): string {
  return printSchema(contract === 'storefront' ? withDefer(schema) : schema);
}
