import cors from '@fastify/cors';
import { REQUEST_ID_HEADER } from '@souk/platform/identity';
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Which web pages may do what with this API, by their origin (RFC 6454). */
export interface BrowserOrigins {
  /** Whether pages from there may read answers. */
  mayRead(origin: string): boolean;
  /** Whether they may also have the gateway keep their refresh token. */
  mayKeepToken(origin: string): boolean;
}

const ANY = '*';
const LOOPBACK = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Cookies are for origins that are listed by name; `*` lets everybody read and nobody keep. Where nothing is listed, production admits no other origin,
 * and development everybody to read and what runs on this machine to keep.
 */
export function createBrowserOrigins(listed: readonly string[] | undefined, isProduction: boolean): BrowserOrigins {
  if (!listed && !isProduction) return { mayRead: () => true, mayKeepToken: (origin) => LOOPBACK.test(origin) };
  const named = new Set(listed);
  return {
    mayRead: (origin) => named.has(ANY) || named.has(origin),
    mayKeepToken: (origin) => origin !== ANY && named.has(origin),
  };
}

const exposedHeaders = [REQUEST_ID_HEADER, 'retry-after'];
const PREFLIGHT_SECONDS = 86_400;

/** Tells pages from elsewhere what they may do (https://fetch.spec.whatwg.org/#http-cors-protocol). Credentials are for those who may keep a token. */
export async function tellOrigins(app: FastifyInstance, origins: BrowserOrigins): Promise<void> {
  await app.register(cors, {
    delegator: ({ headers: { origin } }, done) =>
      done(null, {
        maxAge: PREFLIGHT_SECONDS,
        exposedHeaders,
        origin: origin && origins.mayRead(origin) ? origin : false,
        credentials: origin !== undefined && origins.mayKeepToken(origin),
      }),
  });
}

/** What an answer tells a page of an origin, as headers: the same as `tellOrigins` lets it tell. */
export function originHeadersFor(origins: BrowserOrigins, origin: string | undefined): Record<string, string> {
  if (!origin || !origins.mayRead(origin)) return { vary: 'Origin' };
  return {
    vary: 'Origin',
    'access-control-allow-origin': origin,
    ...(origins.mayKeepToken(origin) ? { 'access-control-allow-credentials': 'true' } : {}),
    'access-control-expose-headers': exposedHeaders.join(', '),
  };
}

/** Whether a page has the origin of this server itself, as far as it knows that: a proxy in front may have another. */
export function isOwnOrigin(origin: string, { protocol, host }: FastifyRequest): boolean {
  return origin === `${protocol}://${host}`;
}
