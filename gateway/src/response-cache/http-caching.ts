import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';

/** What of a request decides over an answer: who asks, in which media type it is wanted, whose pages may read it, and whether it is to tell what it cost. */
const VARY = ['Accept', 'Authorization', 'Origin', 'X-Souk-Cost'];

/**
 * Lets browsers and proxies keep an answer to a GET request, and spares those who have it its body (RFC 9111; RFC 9110, section 13). It may be kept by anybody
 * only as long as the gateway would keep it without being told of changes.
 *
 * @returns whether the client has this very answer, so that status and headers are all there is to send
 */
export function allowCaching(reply: FastifyReply, body: string, freshForSeconds: number): boolean {
  const etag = etagOf(String(reply.getHeader('content-type')), body);
  reply
    .header('cache-control', `public, max-age=${freshForSeconds}`)
    .header('etag', etag)
    .header('vary', [...new Set([...listed(reply.getHeader('vary')), ...VARY])].join(', '));
  return hasAlready(reply.request.headers['if-none-match'], etag);
}

/** The same body in another media type is another representation (RFC 9110, section 8.8.1). */
function etagOf(contentType: string, body: string): string {
  return `"${createHash('sha256').update(contentType).update('\n').update(body).digest('base64url')}"`;
}

/** Compares weakly, as RFC 9110, section 13.1.2 says: a proxy that compresses an answer may have weakened its tag. */
function hasAlready(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = listed(ifNoneMatch).map((tag) => tag.replace(/^W\//, ''));
  return known.includes(etag) || known.includes('*');
}

function listed(header: string | string[] | number | undefined): string[] {
  return String(header ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
