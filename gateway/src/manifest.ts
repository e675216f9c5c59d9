import { parse } from 'graphql';
import { z } from 'zod';

/** An operation that a client of ours registered when it was built. */
export interface RegisteredOperation {
  id: string;
  name: string;
  body: string;
}

/** What is registered, by id and by exact text. */
export interface Manifest {
  byId: ReadonlyMap<string, RegisteredOperation>;
  byText: ReadonlyMap<string, RegisteredOperation>;
}

export const emptyManifest: Manifest = { byId: new Map(), byText: new Map() };

/**
 * Reads a manifest of registered operations, as `@apollo/generate-persisted-query-manifest` and its kin write it.
 * Format: https://www.apollographql.com/docs/graphos/platform/security/persisted-queries#manifest-format
 *
 * @throws {Error} which says what is wrong, and with which operation
 */
export function readManifest(text: string): Manifest {
  const { success, data, error } = format.safeParse(JSON.parse(text));
  if (!success) throw new Error(`Expected an Apollo persisted query manifest. ${z.prettifyError(error)}`);
  const { operations } = data;
  for (const { name, body } of operations) parseBody(name, body);
  const byId = new Map(operations.map((operation) => [operation.id, operation]));
  if (byId.size < operations.length) throw new Error('Expected each operation to have an id of its own.');
  return { byId, byText: new Map(operations.map((operation) => [operation.body, operation])) };
}

const format = z.object({
  format: z.literal('apollo-persisted-query-manifest'),
  version: z.literal(1),
  operations: z.array(
    z.object({
      id: z.string().min(1).max(256),
      name: z.string().min(1),
      type: z.enum(['query', 'mutation', 'subscription']),
      body: z.string().min(1),
    }),
  ),
});

function parseBody(name: string, body: string): void {
  try {
    parse(body);
  } catch (cause) {
    throw new Error(`Expected the body of ${name} to be GraphQL. ${(cause as Error).message}`, { cause });
  }
}
