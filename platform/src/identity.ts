import { createLocalJWKSet, importJWK, type JSONWebKeySet, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import type { DoorLimits } from './door-limits.ts';
import { SoukError } from './errors.ts';

/**
 * Who is asking, inside the system.
 *
 * The *gateway assertion* tells a subgraph on whose behalf the gateway calls; the *service assertion* tells it which subgraph calls for its own needs.
 * Both are JWTs (RFC 7519) signed with the caller's Ed25519 key, made for one audience, valid 60 seconds, and carried in the `souk-assertion` header.
 * A subgraph answers nothing to a caller without one.
 */

export const serviceNames = ['gateway', 'user', 'catalog', 'cart', 'order', 'payment'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** The signed-in person behind a request. `scopes` is what their roles grant at this moment. */
export interface Viewer {
  userId: string;
  sessionId: string;
  roles: readonly string[];
  scopes: ReadonlySet<string>;
}

/** Who sent the request: the gateway, for a viewer, for nobody, or for itself; or another subgraph, for itself. */
export interface Caller {
  service: ServiceName;
  viewer: Viewer | null;
  /** Whether the gateway asks for what it needs itself, and no client has a part in it. */
  forItself?: true;
  /** Whether the gateway wants to be told what the answer took, for staff who may see that. */
  wantsDebug?: true;
}

export const ASSERTION_HEADER = 'souk-assertion';
/** Set by the gateway only; believed only from the gateway. */
export const CLIENT_IP_HEADER = 'souk-client-ip';
export const CLIENT_AGENT_HEADER = 'souk-client-agent';
export const REQUEST_ID_HEADER = 'x-request-id';
/** Instant (milliseconds since 1970) after which nobody waits for the answer any more. */
export const DEADLINE_HEADER = 'souk-deadline';

const LIFETIME_SECONDS = 60;
/** An assertion is reused until this much of its life is left: enough for the slowest request it may be sent with. */
const REUSE_MARGIN_SECONDS = 20;
/** Clocks of two machines are never the same. */
const CLOCK_TOLERANCE_SECONDS = 5;
const ALGORITHM = 'EdDSA';
const TOKEN_TYPE = 'souk-assertion+jwt';
const DEBUG_CLAIM = 'souk_debug';
const ITSELF_CLAIM = 'souk_itself';

export interface Signer {
  /**
   * An assertion for `audience` on behalf of `viewer`, or of nobody. The same one is returned while it is fresh, and without a promise round it, because that is
   * asked for each request: no signing per request.
   *
   * @param options.wantsDebug whether the answer shall tell what it took; for the gateway only
   * @param options.forItself  whether this service asks for what it needs itself: only of the gateway it has to be said
   */
  assertion(
    audience: ServiceName,
    viewer: Viewer | null,
    options?: { wantsDebug?: boolean; forItself?: boolean },
  ): string | Promise<string>;
}

/** Signs what this service says to others. `privateKey` is an Ed25519 JWK whose `kid` is the service's name. */
export function createSigner({ service, privateKey }: { service: ServiceName; privateKey: JWK }): Signer {
  const signingKey = importJWK(privateKey, ALGORITHM);
  const fresh = expiringCache<Promise<string>>();
  /** Of those that are signed already. */
  const texts = new WeakMap<Promise<string>, string>();
  const statements = new WeakMap<Viewer, Statement>();
  const nothing = statement({});

  function statementOf(viewer: Viewer): Statement {
    const known = statements.get(viewer);
    if (known) return known;
    const made = statement(claimsOf(viewer));
    statements.set(viewer, made);
    return made;
  }

  async function sign(audience: ServiceName, claims: JWTPayload): Promise<string> {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM, kid: service, typ: TOKEN_TYPE })
      .setIssuer(service)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${LIFETIME_SECONDS}s`)
      .sign(await signingKey);
  }

  return {
    assertion(audience, viewer, { wantsDebug = false, forItself = false } = {}) {
      const { claims, keys, text } = viewer ? statementOf(viewer) : nothing;
      const isOwn = forItself && service === 'gateway';
      const purpose = wantsDebug || isOwn ? `${audience} ${wantsDebug} ${isOwn}` : audience;
      let key = keys.get(purpose);
      if (key === undefined) {
        key = `${purpose} ${text}`;
        keys.set(purpose, key);
      }
      const assertion = fresh(key, (LIFETIME_SECONDS - REUSE_MARGIN_SECONDS) * 1000, async () => {
        const debug = wantsDebug ? { [DEBUG_CLAIM]: true } : {};
        const own = isOwn ? { [ITSELF_CLAIM]: true } : {};
        const signed = await sign(audience, { ...claims, ...debug, ...own });
        texts.set(assertion, signed);
        return signed;
      });
      return texts.get(assertion) ?? assertion;
    },
  };
}

/** What is said of a viewer. Each one is spoken for several times in a request, and the same one in many. */
interface Statement {
  claims: JWTPayload;
  text: string;
  /** What assertions are found by, for each purpose: put together once, because it is long. */
  keys: Map<string, string>;
}

function statement(claims: JWTPayload): Statement {
  return { claims, text: JSON.stringify(claims), keys: new Map() };
}

function claimsOf(viewer: Viewer): JWTPayload {
  return { sub: viewer.userId, sid: viewer.sessionId, roles: viewer.roles, scope: [...viewer.scopes].sort().join(' ') };
}

/** Turns the assertion header of a request into its caller. */
export type AssertionVerifier = (assertion: string | undefined) => Promise<Caller>;

/**
 * Verifies what others say to this service: signature, algorithm, type, audience, issuer equal to the signing key, age.
 *
 * @throws {SoukError} UNAUTHENTICATED (from the returned function) when any of them is wrong or the assertion is missing
 */
export function createVerifier({
  audience,
  publicKeys,
}: {
  audience: ServiceName;
  publicKeys: JSONWebKeySet;
}): AssertionVerifier {
  const keys = createLocalJWKSet(publicKeys);
  const known = expiringCache<Promise<Caller>>();

  async function verify(assertion: string): Promise<Caller> {
    const { payload, protectedHeader } = await jwtVerify(assertion, keys, {
      algorithms: [ALGORITHM],
      typ: TOKEN_TYPE,
      audience,
      maxTokenAge: LIFETIME_SECONDS,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      requiredClaims: ['iss', 'exp', 'iat'],
    });
    const service = serviceNames.find((name) => name === payload.iss);
    if (!service || protectedHeader.kid !== service) throw new Error('The issuer is not the owner of the signing key.');
    const viewer = viewerOf(payload);
    if (viewer && service !== 'gateway') throw new Error('Only the gateway speaks for a viewer.');
    const wantsDebug = payload[DEBUG_CLAIM] === true;
    if (wantsDebug && service !== 'gateway') throw new Error('Only the gateway asks what an answer took.');
    const forItself = payload[ITSELF_CLAIM] === true;
    if (forItself && (viewer || service !== 'gateway')) throw new Error('Only the gateway, without a viewer, says so.');
    return { service, viewer, ...(wantsDebug ? { wantsDebug } : {}), ...(forItself ? { forItself } : {}) };
  }

  return async (assertion) => {
    if (!assertion) throw unauthenticated();
    try {
      // Until it expires an assertion proves the same each time, so its signature is checked once.
      return await known(assertion, remainingMs(assertion), () => verify(assertion));
    } catch (cause) {
      throw unauthenticated(cause);
    }
  };
}

function unauthenticated(cause?: unknown): SoukError {
  return new SoukError('UNAUTHENTICATED', 'This endpoint answers the gateway and the other services only.', { cause });
}

function viewerOf(payload: JWTPayload): Viewer | null {
  const { sub, sid, roles, scope } = payload as JWTPayload & Record<'sid' | 'roles' | 'scope', unknown>;
  if (sub === undefined) return null;
  if (typeof sid !== 'string' || typeof scope !== 'string' || !Array.isArray(roles)) {
    throw new Error('An assertion for a viewer needs sid, roles and scope.');
  }
  return { userId: sub, sessionId: sid, roles, scopes: new Set(scope.split(' ').filter(Boolean)) };
}

/** How long a token may still be believed, read without verifying: a forged value only shortens or keeps what `verify` decides. */
function remainingMs(assertion: string): number {
  try {
    const { exp } = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as { exp?: number };
    return Math.min((exp ?? 0) * 1000 - Date.now(), LIFETIME_SECONDS * 1000);
  } catch {
    return 0;
  }
}

const MAX_CACHED = 10_000;

/** A bounded memory of promises by key; failures are forgotten, the oldest entry makes room. */
function expiringCache<Value extends Promise<unknown>>() {
  const entries = new Map<string, { value: Value; expiresAt: number }>();
  return (key: string, ttlMs: number, make: () => Value): Value => {
    const entry = entries.get(key);
    if (entry && entry.expiresAt > Date.now()) return entry.value;
    entries.delete(key);
    const value = make();
    if (ttlMs <= 0) return value;
    if (entries.size >= MAX_CACHED) entries.delete(entries.keys().next().value as string);
    entries.set(key, { value, expiresAt: Date.now() + ttlMs });
    value.catch(() => entries.delete(key));
    return value;
  };
}

/**
 * What every gateway must know at once, although tokens already issued say otherwise. Kept by the user subgraph: truth in its tables, a copy in Redis.
 * Sessions and users are listed only as long as a token issued before the change could still be alive.
 */
export interface AccessSnapshot {
  /** Grows with every change; a gateway never goes back to a lower one. */
  version: number;
  /** Sessions that were signed out or revoked. */
  revokedSessionIds: string[];
  /** Signing keys that were given up because somebody may have copied them; for longer than any gateway keeps a key. */
  revokedKeyIds: string[];
  /** Users who are suspended or deleted. */
  blockedUserIds: string[];
  /** Roles of users whose roles changed since their token was issued. */
  userRoles: Record<string, string[]>;
  /** Scopes each role grants now. */
  roleScopes: Record<string, string[]>;
  /** Explicit allow and deny entries, ranges in canonical form (`203.0.113.0/24`); of several that cover an address the narrowest decides. */
  accessEntries: {
    effect: 'ALLOW' | 'DENY';
    kind: 'USER' | 'IP_RANGE' | 'EMAIL_DOMAIN';
    subject: string;
    expiresAt: string | null;
  }[];
  /** How much gateways take before they refuse. */
  doorLimits: DoorLimits;
}

/** Redis key of the snapshot (JSON text), and the channel that announces a new version. */
export const ACCESS_SNAPSHOT_KEY = 'souk:{access}:snapshot';
export const ACCESS_CHANGED_CHANNEL = 'souk:{access}:changed';
