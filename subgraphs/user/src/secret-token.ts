import { createHash, randomBytes } from 'node:crypto';

/** A secret that only its holder knows: 256 random bits in 43 characters. */
export function newSecretToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored of a secret token. It is random, so a fast hash suffices. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
