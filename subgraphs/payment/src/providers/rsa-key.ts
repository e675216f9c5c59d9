import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/**
 * Reads an RSA key as people have them: in PEM, also with its newlines written `\n`, or its base64 on one line, which is how Alipay's tools
 * hand keys out. Answers base64 of PKCS #8 or SPKI; undefined for what is none, or too short for RSA2.
 */
export function readRsaKey(kind: 'private' | 'public', value: string): string | undefined {
  const text = value.replaceAll('\\n', '\n');
  const der = Buffer.from(text, 'base64');
  const key =
    kind === 'private'
      ? (attempt(() => createPrivateKey(text)) ??
        attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })) ??
        attempt(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs1' })))
      : (attempt(() => createPublicKey(text)) ??
        attempt(() => createPublicKey({ key: der, format: 'der', type: 'spki' })) ??
        attempt(() => createPublicKey({ key: der, format: 'der', type: 'pkcs1' })));
  if (key?.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2_048) return undefined;
  return key.export({ format: 'der', type: kind === 'private' ? 'pkcs8' : 'spki' }).toString('base64');
}

function attempt(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
