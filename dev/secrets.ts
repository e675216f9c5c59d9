import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ServiceName, serviceNames } from '@souk/platform/identity';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { byName } from './by-name.ts';

/** An Ed25519 key in JSON Web Key form (RFC 8037). */
export interface Ed25519Key {
  kty: 'OKP';
  crv: 'Ed25519';
  kid: string;
  x: string;
  /** The private half. */
  d: string;
}

/** Everything in a shop that must not be guessed. */
export interface Secrets {
  databasePasswords: Record<SubgraphName, string>;
  /** What each service signs its assertions with; `kid` is its name. */
  serviceKeys: Record<ServiceName, Ed25519Key>;
  /** What the user subgraph seals the signing keys of access tokens with. */
  keyEncryptionSecret: string;
  /** Shared by the payment subgraph and the provider of test cards, with which each proves to be itself. */
  testProviderSecret: string;
}

/** The secrets of the shop in `folder`: made at its first start and kept, so that its data stay readable and its tokens stay valid. */
export function secretsOf(folder: string): Secrets {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'secrets.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
  // What a newer version needs and an older one did not know is added.
  const secrets: Secrets = {
    databasePasswords: { ...byName(subgraphNames, randomSecret), ...kept.databasePasswords },
    serviceKeys: { ...byName(serviceNames, newKey), ...kept.serviceKeys },
    keyEncryptionSecret: kept.keyEncryptionSecret ?? randomSecret(),
    testProviderSecret: kept.testProviderSecret ?? randomSecret(),
  };
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

/** What every service may know of every other: the public halves, as one JSON Web Key Set. */
export function publicKeysOf(secrets: Secrets): { keys: Omit<Ed25519Key, 'd'>[] } {
  return { keys: Object.values(secrets.serviceKeys).map(publicHalf) };
}

export function publicHalf({ d: _private, ...key }: Ed25519Key): Omit<Ed25519Key, 'd'> {
  return key;
}

/** A fresh key; `kid` is the name under which its public half is known. */
export function newKey(kid: string): Ed25519Key {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  if (!x || !d) throw new Error('An exported Ed25519 key has both its halves.');
  return { kty: 'OKP', crv: 'Ed25519', kid, x, d };
}

function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}
