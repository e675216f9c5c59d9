import { randomUUID } from 'node:crypto';
import {
  type Database,
  isDuplicateKey,
  must,
  now,
  nowPlus,
  type Reader,
  type Transaction,
  transaction,
} from '@souk/platform/database';
import { refuse } from '@souk/platform/errors';
import { and, asc, eq, inArray, isNull, lt, sql } from 'drizzle-orm';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JSONWebKeySet } from 'jose';
import { accessBell, recordAccessChanges } from './access-change.ts';
import { seal, unseal } from './sealing.ts';
import { isTrue } from './sql-truth.ts';
import { type SigningKeyRow, signingKeys } from './tables.ts';

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
  /**
   * Moves on to the next key whatever the age of the active one. Tokens that are signed already stay good.
   *
   * @throws {Refused} RATE_LIMITED while the next key has not been published for long enough to be known everywhere
   */
  rotateNow(): Promise<void>;
  /** Gives up every key, because one may have been copied, and makes new ones. Gateways refuse all tokens signed so far within a second. */
  replaceAll(): Promise<void>;
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
const KNOWN_FOR_MS = 500;
/** For so long a verifier may keep the key set, so a key is in it for longer before it signs. */
export const KEYS_MAX_AGE_SECONDS = 60;
const PUBLISHED_AHEAD_SECONDS = KEYS_MAX_AGE_SECONDS + 10;
/** Beyond the last token's life: instances that have not noticed a rotation, clocks that differ. */
const MARGIN_SECONDS = 900;

export function openSigningKeys({ db, secret, rotateAfterSeconds, tokenLifeSeconds }: SigningKeysOptions): SigningKeys {
  let known: { kid: string; privateKey: CryptoKey; until: number } | undefined;

  async function active() {
    if (known && known.until > Date.now()) return known;
    const row = (await readActive()) ?? (await createFirst());
    const privateKey = known?.kid === row.kid ? known.privateKey : await openPrivateKey(secret, row);
    known = { kid: row.kid, privateKey, until: Date.now() + KNOWN_FOR_MS };
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
    await transaction(db, async (tx) => {
      const pair = await lockPair(tx);
      if (pair?.active.isOld && pair.next.isKnown) await moveOn(tx, pair, successor);
    });
    known = undefined;
    const dead = and(
      isNull(signingKeys.slot),
      lt(signingKeys.retiredAt, nowPlus(-(tokenLifeSeconds + MARGIN_SECONDS))),
    );
    await db.delete(signingKeys).where(must(dead));
  }

  async function rotateNow(): Promise<void> {
    await active();
    const successor = await newKey(secret, 'NEXT');
    await transaction(db, async (tx) => {
      const pair = await lockPair(tx);
      if (!pair?.next.isKnown) {
        const retryAfterMs = PUBLISHED_AHEAD_SECONDS * 1_000;
        const message =
          'The next key has been published only just now, and not every verifier knows it yet. Wait a little.';
        refuse('RATE_LIMITED', message, { retryAfterMs });
      }
      await moveOn(tx, pair, successor);
    });
    known = undefined;
  }

  async function replaceAll(): Promise<void> {
    const keys = [await newKey(secret, 'ACTIVE'), await newKey(secret, 'NEXT')];
    await transaction(db, async (tx) => {
      const old = await tx
        .select({ kid: signingKeys.kid })
        .from(signingKeys)
        .orderBy(asc(signingKeys.kid))
        .for('update');
      const kids = old.map(({ kid }) => kid);
      if (kids.length > 0) await tx.delete(signingKeys).where(must(inArray(signingKeys.kid, kids)));
      await tx.insert(signingKeys).values(keys);
      await recordAccessChanges(
        tx,
        kids.map((kid) => ({ kind: 'KEY', subject: kid })),
      );
    });
    known = undefined;
    accessBell.ring(db);
  }

  /** The key that signs and the one after it, held until the transaction ends. */
  async function lockPair(tx: Transaction): Promise<KeyPair | undefined> {
    const rows = await tx
      .select({
        kid: signingKeys.kid,
        slot: signingKeys.slot,
        isOld: sql`${signingKeys.activatedAt} < ${nowPlus(-rotateAfterSeconds)}`.mapWith(isTrue),
        isKnown: sql`${signingKeys.createdAt} < ${nowPlus(-PUBLISHED_AHEAD_SECONDS)}`.mapWith(isTrue),
      })
      .from(signingKeys)
      .where(inArray(signingKeys.slot, ['ACTIVE', 'NEXT']))
      .orderBy(asc(signingKeys.slot))
      .for('update');
    const [active, next] = rows;
    return active && next && { active, next };
  }

  return {
    active,
    rotate,
    rotateNow,
    replaceAll,
    async publicKeys() {
      await active();
      const rows = await allKeys(db);
      return {
        keys: rows.map(({ kid, publicKey: x }) => ({ kty: 'OKP', crv: 'Ed25519', use: 'sig', alg: ALGORITHM, kid, x })),
      };
    },
  };
}

interface KeyPair {
  active: { kid: string; isOld: boolean };
  next: { kid: string; isKnown: boolean };
}

async function moveOn(tx: Transaction, { active, next }: KeyPair, successor: NewKey): Promise<void> {
  await tx
    .update(signingKeys)
    .set({ slot: null, retiredAt: now })
    .where(must(eq(signingKeys.kid, active.kid)));
  await tx
    .update(signingKeys)
    .set({ slot: 'ACTIVE', activatedAt: now })
    .where(must(eq(signingKeys.kid, next.kid)));
  await tx.insert(signingKeys).values(successor);
}

/** Oldest first. */
function allKeys(db: Reader): Promise<SigningKeyRow[]> {
  return db.select().from(signingKeys).orderBy(asc(signingKeys.createdAt), asc(signingKeys.kid));
}

/** What staff may see of the keys. */
export async function shownKeys(db: Reader) {
  const rows = await allKeys(db);
  return rows.map(({ kid, slot, createdAt, activatedAt, retiredAt }) => {
    return { keyId: kid, status: slot ?? ('RETIRED' as const), createdAt, activatedAt, retiredAt };
  });
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

async function openPrivateKey(secret: string, row: SigningKeyRow): Promise<CryptoKey> {
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
