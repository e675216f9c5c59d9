import { secretsOf } from '@souk/dev/secrets';
import { createSigner, type Viewer } from '@souk/platform/identity';
import type { SubgraphName } from '@souk/schema/subgraphs';
import { inject } from 'vitest';
import type { Reply } from './reply.ts';
import { ask } from './request.ts';

const { serviceUrls, folder } = inject('shop');
const { serviceKeys } = secretsOf(folder);

/** What the gateway says when it asks for somebody; a customer, unless roles and scopes are given. */
export async function gatewayFor(
  name: SubgraphName,
  viewer: (Pick<Viewer, 'userId' | 'sessionId'> & Partial<Viewer>) | null,
): Promise<string> {
  const signer = createSigner({ service: 'gateway', privateKey: serviceKeys.gateway });
  return signer.assertion(name, viewer && { roles: ['CUSTOMER'], scopes: new Set(), ...viewer });
}

/** Asks a subgraph itself under an assertion. */
export function askSubgraph(
  name: SubgraphName,
  assertion: string,
  query: string,
  variables: object = {},
): Promise<Reply> {
  return ask({ url: `${serviceUrls[name]}/graphql` }, query, variables, { 'souk-assertion': assertion });
}
