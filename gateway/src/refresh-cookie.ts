import { badUserInput, SoukError } from '@souk/platform/errors';
import { custodyOf, type TokenCustody } from '@souk/platform/token-custody';
import { parseCookie, type SetCookie, stringifySetCookie } from 'cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type BrowserOrigins, isOwnOrigin } from './browser-origins.ts';

/**
 * Keeps the refresh tokens of browsers in a cookie that no script can read. A client asks for it with a header, which a page of another origin can send only
 * after a preflight; without the header a cookie counts for nothing, so everything else stays as safe from forged requests as it was.
 *
 * The cookie goes to one endpoint (`Path`), to one host (no `Domain`), in requests of pages of the same site only (`SameSite=Strict`), and never unencrypted
 * (`Secure`), but on a developer's own machine. (RFC 6265bis; OAuth 2.0 for Browser-Based Applications, section 6.1)
 */
export interface RefreshCookie {
  /**
   * Takes the refresh token of a request into custody; undefined where the client keeps it itself.
   *
   * @throws {SoukError} FORBIDDEN for a page that may not, and for what is no page
   */
  take(request: FastifyRequest): TokenCustody | undefined;
  /** Has the client keep what the answer said, or give it up. */
  give(reply: FastifyReply, custody: TokenCustody): void;
}

export const REFRESH_TOKEN_HEADER = 'x-souk-refresh-token';
const COOKIE = 'souk-refresh-token';
/** Browsers take a cookie of this name only where it is Secure. */
const SECURE_COOKIE = `__Secure-${COOKIE}`;

export function createRefreshCookie({
  path,
  origins,
  isProduction,
}: {
  path: string;
  origins: BrowserOrigins;
  isProduction: boolean;
}): RefreshCookie {
  const mayGoUnencrypted = ({ protocol, hostname }: FastifyRequest) =>
    !isProduction && protocol === 'http' && loopbackNames.has(hostname);

  function attributesFor(request: FastifyRequest): Omit<SetCookie, 'value'> & { name: string } {
    const secure = !mayGoUnencrypted(request);
    return { name: secure ? SECURE_COOKIE : COOKIE, secure, httpOnly: true, sameSite: 'strict', path };
  }

  return {
    take(request) {
      const wish = request.headers[REFRESH_TOKEN_HEADER];
      // Nothing that comes by GET can exchange or issue a token.
      if (wish === undefined || request.method !== 'POST') return undefined;
      if (wish !== 'cookie')
        throw badUserInput(`Expected the header ${REFRESH_TOKEN_HEADER} to be "cookie", or absent.`);
      refuseStrangers(request, origins);
      return custodyOf(soleCookie(request.headers.cookie, attributesFor(request).name));
    },
    give(reply, { next }) {
      if (next === undefined) return;
      const attributes = attributesFor(reply.request);
      const content = next
        ? { value: next.token, maxAge: Math.max(0, Math.floor((Date.parse(next.expiresAt) - Date.now()) / 1_000)) }
        : { value: '', maxAge: 0 };
      reply.header('set-cookie', stringifySetCookie({ ...attributes, ...content }));
    },
  };
}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Who may be asked by whom is told by the browser, in headers that no script can write (https://fetch.spec.whatwg.org/#forbidden-request-header). */
function refuseStrangers(request: FastifyRequest, origins: BrowserOrigins): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (!origin) {
    throw forbidden(
      `Expected an Origin header, as browsers send it. Other clients keep the refresh token themselves: leave ${REFRESH_TOKEN_HEADER} out.`,
    );
  }
  if (site !== undefined && site !== 'same-origin' && site !== 'same-site') {
    throw forbidden('Expected a page of the same site as this API: browsers keep its cookies from other sites.');
  }
  if (!isOwnOrigin(origin, request) && !origins.mayKeepToken(origin)) {
    throw forbidden('Pages of this origin may not keep a refresh token here. An operator can add it to CORS_ORIGINS.');
  }
}

function forbidden(message: string): SoukError {
  return new SoukError('FORBIDDEN', message);
}

/** A cookie that is there twice was set by somebody else as well, who may be another host of this site: nobody can tell which one is ours. */
function soleCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  const found = header.split(';').filter((pair) => pair.trim().startsWith(`${name}=`));
  return found.length === 1 ? parseCookie(header)[name] : undefined;
}
