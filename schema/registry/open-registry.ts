import { resolve } from 'node:path';
import { readSchemaEnvironment } from '../env.ts';
import { Problem } from '../problem.ts';
import type { Registry } from './registry.ts';

/**
 * Opens the registry that is named, or that SOUK_REGISTRY names:
 *
 * - `mysql://account:password@host:3306/souk_registry`
 * - `https://registry.example` with a token in SOUK_REGISTRY_TOKEN
 * - a folder
 *
 * @throws {Problem} when none is named
 */
export async function openRegistry(
  address = readSchemaEnvironment().registry,
  token = readSchemaEnvironment().token,
): Promise<Registry> {
  if (!address) {
    throw new Problem(
      'usage',
      'Which registry? Name a folder, a mysql:// or an https:// address with --registry or SOUK_REGISTRY.',
    );
  }
  if (/^(mysql|mariadb):/.test(address)) {
    const { mysqlRegistry } = await import('./mysql-registry.ts');
    return mysqlRegistry(address);
  }
  if (/^https?:/.test(address)) {
    const { remoteRegistry } = await import('./remote-registry.ts');
    return remoteRegistry(address, token);
  }
  const { directoryRegistry } = await import('./directory-registry.ts');
  return directoryRegistry(resolve(address));
}

/** Does something with a registry, and closes it. */
export async function withRegistry<Result>(
  address: string | undefined,
  work: (registry: Registry) => Promise<Result>,
): Promise<Result> {
  const registry = await openRegistry(address);
  try {
    return await work(registry);
  } finally {
    await registry.close();
  }
}
