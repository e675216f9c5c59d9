import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a private store keeps from one start to the next, so that a client configured once by hand goes on working. */
export interface RememberedStore {
  password: string;
  /** The port it listened on the last time. */
  port: number | undefined;
  keep(port: number): void;
}

export function rememberedStore(home: string): RememberedStore {
  const file = join(home, 'store.json');
  const known = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { password: string; port: number })
    : undefined;
  const password = known?.password ?? randomBytes(24).toString('base64url');
  return {
    password,
    port: known?.port,
    keep: (port) => writeFileSync(file, `${JSON.stringify({ port, password }, null, 2)}\n`, { mode: 0o600 }),
  };
}
