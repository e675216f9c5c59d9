import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServiceName } from '@souk/platform/identity';

/** The folder of the whole project. */
export const root = fileURLToPath(new URL('..', import.meta.url));

export function workspaceOf(service: ServiceName): string {
  return service === 'gateway' ? join(root, 'gateway') : join(root, 'subgraphs', service);
}
