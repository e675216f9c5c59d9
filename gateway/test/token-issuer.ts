import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** Stands in for the user subgraph: signs access tokens as it does, and has the keys to check them. */
export interface TokenIssuer {
  /** The JSON Web Key Set to publish. */
  jwks: string;
  /** A token that holds for five minutes, which is as long as any does. */
  token(): Promise<string>;
}

export async function openTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const key = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'EdDSA', use: 'sig' };
  return {
    jwks: JSON.stringify({ keys: [key] }),
    token: () =>
      new SignJWT({ sid: 'sess_test', roles: ['CUSTOMER'] })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: 'test' })
        .setIssuer('https://souk.local')
        .setAudience('souk')
        .setSubject('user_test')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey),
  };
}
