import type { Contract } from '../contracts.ts';
import type { RegisteredOperation } from './evidence.ts';

/**
 * The operations of a persisted query manifest, with the client version it was built for.
 * Format: https://www.apollographql.com/docs/graphos/platform/security/persisted-queries#manifest-format
 *
 * @throws {Error} when the text is no such manifest
 */
export function manifestOperations(
  text: string,
  { contract, client, version, since = null }: ManifestOwner,
): RegisteredOperation[] {
  const { format, operations } = JSON.parse(text) as { format?: string; operations?: unknown };
  if (format !== 'apollo-persisted-query-manifest' || !Array.isArray(operations)) {
    throw new Error(
      `Expected the manifest of ${client} ${version} to be of the format apollo-persisted-query-manifest.`,
    );
  }
  return operations.map(({ name, body }: { name?: unknown; body?: unknown }, position) => {
    if (typeof name !== 'string' || typeof body !== 'string') {
      throw new Error(
        `Expected operation ${position + 1} in the manifest of ${client} ${version} to have a name and a body.`,
      );
    }
    return { contract, client, version, name, body, since };
  });
}

export interface ManifestOwner {
  contract: Contract;
  client: string;
  version: string;
  since?: string | null;
}
