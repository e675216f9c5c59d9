import type { FastifyRequest } from 'fastify';

/** Where HTTP leaves room for two readings, or for taking one's time, a client that uses it gets no further. */
export const strictHttp = {
  /** Node would answer without a body; `refuseAmbiguousHost` says what was expected. */
  requireHostHeader: false,
  /** Whoever sends a byte now and then keeps a connection, and may have many. Looked at every few seconds, these end soon after their time. */
  headersTimeout: 10_000,
  connectionsCheckingInterval: 2_000,
};

/** How long a whole request may take to arrive: the longest body, over a slow line. */
export const REQUEST_TIMEOUT_MS = 15_000;

/**
 * A request names one host (RFC 9112, section 3.2). Node takes the first of several, and a proxy in front may have gone by another.
 *
 * @throws with status 400
 */
export async function refuseAmbiguousHost({ raw }: FastifyRequest): Promise<void> {
  const hosts = raw.rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length;
  // HTTP/1.0 came before hosts had names.
  const isRequired = raw.httpVersionMajor > 1 || raw.httpVersionMinor > 0;
  if (hosts === 1 || (hosts === 0 && !isRequired)) return;
  throw Object.assign(new Error('Expected one Host header.'), { statusCode: 400 });
}
