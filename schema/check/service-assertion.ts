import { ASSERTION_HEADER, createSigner, type ServiceName, serviceNames } from '@souk/platform/identity';

/**
 * What proves to a subgraph who asks for its SDL.
 *
 * @param privateKey an Ed25519 JWK as text, whose `kid` is the service's name
 * @throws {Error} when the subgraph is none of this shop's, or the key is no key
 */
export async function assertionHeaders(privateKey: string, subgraph: string): Promise<Record<string, string>> {
  const audience = serviceNames.find((name) => name === subgraph);
  if (!audience) throw new Error(`Expected --subgraph to be one of ${serviceNames.join(', ')}, got "${subgraph}".`);
  const key = JSON.parse(privateKey) as { kid?: string };
  const signer = createSigner({ service: key.kid as ServiceName, privateKey: key });
  return { [ASSERTION_HEADER]: await signer.assertion(audience, null) };
}
