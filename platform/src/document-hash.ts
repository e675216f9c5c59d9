import { createHash } from 'node:crypto';

/** The hash by which clients and manifests call a document: SHA-256 of its text, in hexadecimal. */
export function documentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
