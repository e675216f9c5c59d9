import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serviceNames } from '@souk/platform/identity';
import { newKey, publicHalf } from './secrets.ts';
import { root } from './workspaces.ts';

/**
 * `node dev/write-env.ts`: writes `.env` from `.env.example` with secrets of its own in place of the samples. It never overwrites one.
 */
const SAMPLE = /^([A-Z_]+)=.*change-me.*$/gm;

/** The text of `.env.example` with every sample value replaced. */
export function withFreshSecrets(example: string): string {
  const keys = new Map(serviceNames.map((name) => [`${name.toUpperCase()}_PRIVATE_KEY`, newKey(name)]));
  const publicKeys = { keys: [...keys.values()].map(publicHalf) };
  const fresh = (name: string): string => {
    const key = keys.get(name);
    if (key) return `'${JSON.stringify(key)}'`;
    if (name === 'SERVICE_PUBLIC_KEYS') return `'${JSON.stringify(publicKeys)}'`;
    return randomBytes(24).toString('base64url');
  };
  return example.replaceAll(SAMPLE, (_line, name: string) => `${name}=${fresh(name)}`);
}

if (import.meta.main) {
  const file = join(root, '.env');
  if (existsSync(file)) {
    console.error(`${file} is there already; remove it first if its secrets may be lost.`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, withFreshSecrets(readFileSync(join(root, '.env.example'), 'utf8')), { mode: 0o600 });
    console.log(`Wrote ${file}. Next: docker compose up --build`);
  }
}
