import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose';
import { inject } from 'vitest';
import { startSecondGateway } from '../two-gateways.ts';

/**
 * One more gateway of the shared shop, set as in production: it hides the schema, lets pages of one origin call, and stands behind a proxy that
 * names addresses. It also believes a key that the tests have, so that they can sign tokens that are wrong in one claim only.
 */
export interface StrictGateway {
  url: string;
  adminUrl: string;
  metricsUrl: string;
  /** A token signed with a key that this gateway believes. */
  sign(claims: JWTPayload, header?: Partial<JWTHeaderParameters>): Promise<string>;
  /** The public half of that key, as the gateway knows it. */
  publicKey: { kid: string; x: string };
  /** How often it has asked for the keys. */
  timesAskedForKeys(): number;
  close(): Promise<void>;
}

export const TRUSTED_ORIGIN = 'https://shop.example';

export async function startStrictGateway(): Promise<StrictGateway> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const { x = '' } = await exportJWK(publicKey);
  const kid = 'known-to-a-test';
  const keys = await serveKeys({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x });
  const gateway = await startSecondGateway({
    INTROSPECTION: 'false',
    CORS_ORIGINS: TRUSTED_ORIGIN,
    TRUSTED_PROXY_HOPS: '1',
    JWKS_URL: keys.url,
  });
  return {
    url: gateway.gatewayUrl,
    adminUrl: gateway.adminUrl,
    metricsUrl: gateway.metricsUrl,
    publicKey: { kid, x },
    timesAskedForKeys: keys.timesAsked,
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }).sign(privateKey),
    async close() {
      await gateway.child.stop();
      await keys.close();
    },
  };
}

/** The shop's own keys and one more. */
async function serveKeys(another: object): Promise<{ url: string; timesAsked(): number; close(): Promise<void> }> {
  const { serviceUrls } = inject('shop');
  let timesAsked = 0;
  const server = createServer(async (_request, response) => {
    timesAsked++;
    const own = (await (await fetch(`${serviceUrls.user}/.well-known/jwks.json`)).json()) as { keys: object[] };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [...own.keys, another] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    timesAsked: () => timesAsked,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
