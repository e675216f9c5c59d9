import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSigner, createVerifier, type ServiceName, type Viewer } from './identity.ts';

const viewer: Viewer = {
  userId: 'user_1',
  sessionId: 'sess_1',
  roles: ['SUPPORT'],
  scopes: new Set(['order:read', 'user:read']),
};
const keys: Partial<Record<ServiceName, JWK>> = {};
let publicKeys: { keys: JWK[] };

beforeAll(async () => {
  publicKeys = { keys: [] };
  for (const service of ['gateway', 'order'] as const) {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    keys[service] = { ...(await exportJWK(pair.privateKey)), kid: service };
    publicKeys.keys.push({ ...(await exportJWK(pair.publicKey)), kid: service, alg: 'EdDSA' });
  }
});

const signer = (service: 'gateway' | 'order') => createSigner({ service, privateKey: keys[service] as JWK });
const verifier = (audience: ServiceName) => createVerifier({ audience, publicKeys });

describe('an assertion', () => {
  it('carries the viewer from the gateway to a subgraph', async () => {
    const caller = await verifier('catalog')(await signer('gateway').assertion('catalog', viewer));
    expect(caller).toEqual({ service: 'gateway', viewer });
  });

  it('carries nobody for an anonymous request, and the service itself between services', async () => {
    expect(await verifier('catalog')(await signer('gateway').assertion('catalog', null))).toEqual({
      service: 'gateway',
      viewer: null,
    });
    expect(await verifier('catalog')(await signer('order').assertion('catalog', null))).toEqual({
      service: 'order',
      viewer: null,
    });
  });

  it('carries that the gateway wants to know what the answer takes', async () => {
    const assertion = await signer('gateway').assertion('catalog', viewer, { wantsDebug: true });
    expect(await verifier('catalog')(assertion)).toEqual({ service: 'gateway', viewer, wantsDebug: true });
    expect(await signer('gateway').assertion('catalog', viewer)).not.toBe(assertion);
  });

  it('tells whether the gateway asks for itself, which others always do', async () => {
    const verify = verifier('catalog');
    const [gateway, order] = [signer('gateway'), signer('order')];
    expect(await verify(await gateway.assertion('catalog', null, { forItself: true }))).toEqual({
      service: 'gateway',
      viewer: null,
      forItself: true,
    });
    expect(await verify(await gateway.assertion('catalog', null))).toEqual({ service: 'gateway', viewer: null });
    expect(await verify(await order.assertion('catalog', null, { forItself: true }))).toEqual({
      service: 'order',
      viewer: null,
    });
  });

  it('is reused while it is fresh, one for each audience and viewer', async () => {
    const { assertion } = signer('gateway');
    const first = await assertion('catalog', viewer);
    expect(await assertion('catalog', { ...viewer })).toBe(first);
    expect(await assertion('cart', viewer)).not.toBe(first);
    expect(await assertion('catalog', null)).not.toBe(first);
  });

  const forged = async (claims: object, header: object = {}, key: 'gateway' | 'order' = 'gateway') => {
    const { importJWK } = await import('jose');
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: key, typ: 'souk-assertion+jwt', ...header })
      .sign(await importJWK(keys[key] as JWK, 'EdDSA'));
  };
  const now = () => Math.floor(Date.now() / 1000);
  const good = () => ({ iss: 'gateway', aud: 'catalog', iat: now(), exp: now() + 60 });

  it.each([-3, 3])('is believed although the clocks differ by %i seconds', async (seconds) => {
    const iat = now() + seconds;
    expect(await verifier('catalog')(await forged({ ...good(), iat, exp: iat + 60 }))).toMatchObject({
      service: 'gateway',
    });
  });

  it('is accepted in the form the refusals below vary', async () => {
    await expect(verifier('catalog')(await forged(good()))).resolves.toEqual({ service: 'gateway', viewer: null });
  });

  it.each([
    ['is missing', async () => undefined],
    ['is no token', async () => 'nonsense'],
    ['is for another audience', async () => forged({ ...good(), aud: 'cart' })],
    ['has expired', async () => forged({ ...good(), iat: now() - 120, exp: now() - 60 })],
    ['was made to live too long', async () => forged({ ...good(), iat: now() - 120, exp: now() + 3_600 })],
    ['has another type', async () => forged(good(), { typ: 'at+jwt' })],
    ['names an issuer that did not sign it', async () => forged({ ...good(), iss: 'gateway' }, {}, 'order')],
    [
      'lets a service speak for a viewer',
      async () => forged({ ...good(), iss: 'order', sub: 'user_1', sid: 's', roles: [], scope: '' }, {}, 'order'),
    ],
    [
      'lets a service ask what an answer takes',
      async () => signer('order').assertion('catalog', null, { wantsDebug: true }),
    ],
    [
      'lets the gateway ask for itself on behalf of a viewer',
      async () => signer('gateway').assertion('catalog', viewer, { forItself: true }),
    ],
    [
      'is signed by a stranger',
      async () => {
        const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
        return new SignJWT(good())
          .setProtectedHeader({ alg: 'EdDSA', kid: 'gateway', typ: 'souk-assertion+jwt' })
          .sign(privateKey);
      },
    ],
    [
      'is not signed at all',
      async () => {
        const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
        return `${part({ alg: 'none', typ: 'souk-assertion+jwt' })}.${part(good())}.`;
      },
    ],
  ])('is refused when it %s', async (_, make) => {
    await expect(verifier('catalog')(await make())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
