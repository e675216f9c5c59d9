import { randomUUID } from 'node:crypto';
import {
  type Database,
  isDuplicateKey,
  must,
  now,
  nowPlus,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { and, asc, eq, isNull, lt } from 'drizzle-orm';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JSONWebKeySet } from 'jose';
import { seal, unseal } from './sealing.ts';
import { signingKeys } from './tables.ts';

/**
 * The keys of access tokens. The next key is published long before it signs, and a retired one until the last token it signed is dead,
 * so a rotation never meets a verifier that does not know the key. Private halves are in the database, sealed with a secret that is not.
 */
export interface SigningKeys {
  /** The key to sign with now. */
  active(): Promise<{ kid: string; privateKey: CryptoKey }>;
  /** All keys that tokens may be verified with (RFC 7517, section 5). */
  publicKeys(): Promise<JSONWebKeySet>;
  /** Moves on to the next key when the active one is old enough, and forgets the retired. */
  rotate(): Promise<void>;
}

export interface SigningKeysOptions {
  db: Database;
  /** What private keys are sealed with. */
  secret: string;
  /** How long a key signs. */
  rotateAfterSeconds: number;
  /** How long the longest token lives. */
  tokenLifeSeconds: number;
}

export const ALGORITHM = 'EdDSA';
const SEALED_FOR = 'access token key';
/** An instance signs with the key it knows for so long, without asking whether it still is the active one. */
const KNOWN_FOR_MS = 30_000;
/** Beyond the last token's life: instances that have not noticed a rotation, clocks that differ. */
const MARGIN_SECONDS = 900;

export function openSigningKeys({ db, secret, rotateAfterSeconds, tokenLifeSeconds }: SigningKeysOptions): SigningKeys {
  let known: { kid: string; privateKey: CryptoKey; until: number } | undefined;

  async function active() {
    if (known && known.until > Date.now()) return known;
    const row = (await readActive()) ?? (await createFirst());
    known = { kid: row.kid, privateKey: await openPrivateKey(secret, row), until: Date.now() + KNOWN_FOR_MS };
    return known;
  }

  async function readActive() {
    const [row] = await db.select().from(signingKeys).where(eq(signingKeys.slot, 'ACTIVE'));
    return row;
  }

  /** Several instances may start at once; the unique slot lets one of them make the keys. */
  async function createFirst() {
    const keys = [await newKey(secret, 'ACTIVE'), await newKey(secret, 'NEXT')];
    await db
      .insert(signingKeys)
      .values(keys)
      .catch((error: unknown) => {
        if (!isDuplicateKey(error, 'signing_keys_by_slot')) throw error;
      });
    const row = await readActive();
    if (!row) throw new Error('Expected an active signing key after making one.');
    return row;
  }

  async function rotate(): Promise<void> {
    await active();
    const successor = await newKey(secret, 'NEXT');
    await transaction(db, (tx) => moveOn(tx, rotateAfterSeconds, successor));
    known = undefined;
    const dead = and(
      isNull(signingKeys.slot),
      lt(signingKeys.retiredAt, nowPlus(-(tokenLifeSeconds + MARGIN_SECONDS))),
    );
    await db.delete(signingKeys).where(must(dead));
  }

  return {
    active,
    rotate,
    async publicKeys() {
      await active();
      const rows = await db
        .select({ kid: signingKeys.kid, x: signingKeys.publicKey })
        .from(signingKeys)
        .orderBy(asc(signingKeys.createdAt), asc(signingKeys.kid));
      return { keys: rows.map(({ kid, x }) => ({ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: ALGORITHM, kid, x })) };
    },
  };
}

async function moveOn(tx: Transaction, rotateAfterSeconds: number, successor: NewKey): Promise<void> {
  const [old] = await tx
    .select({ kid: signingKeys.kid })
    .from(signingKeys)
    .where(and(eq(signingKeys.slot, 'ACTIVE'), lt(signingKeys.activatedAt, nowPlus(-rotateAfterSeconds))))
    .for('update');
  if (!old) return;
  await tx
    .update(signingKeys)
    .set({ slot: null, retiredAt: now })
    .where(must(eq(signingKeys.kid, old.kid)));
  await tx
    .update(signingKeys)
    .set({ slot: 'ACTIVE', activatedAt: now })
    .where(must(eq(signingKeys.slot, 'NEXT')));
  await tx.insert(signingKeys).values(successor);
}

type NewKey = typeof signingKeys.$inferInsert;

async function newKey(secret: string, slot: 'ACTIVE' | 'NEXT'): Promise<NewKey> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const { x = '', d = '' } = await exportJWK(privateKey);
  const kid = randomUUID();
  return {
    kid,
    slot,
    publicKey: x,
    sealedPrivateKey: seal(secret, SEALED_FOR, d),
    activatedAt: slot === 'ACTIVE' ? now : null,
  } as NewKey;
}

async function openPrivateKey(secret: string, row: typeof signingKeys.$inferSelect): Promise<CryptoKey> {
  let d: string;
  try {
    d = unseal(secret, SEALED_FOR, row.sealedPrivateKey);
  } catch (cause) {
    throw new Error('Expected KEY_ENCRYPTION_SECRET to be the one the signing keys were sealed with, got another.', {
      cause,
    });
  }
  return (await importJWK({ kty: 'OKP', crv: 'Ed25519', x: row.publicKey, d }, ALGORITHM)) as CryptoKey;
}
