import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';

/** Where HTTP leaves room for two readings, or for taking one's time, a client that uses it gets no further. */
export const strictHttp = {
  /** Node would answer without a body; `ambiguousHostOf` says what was expected. */
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
 * @returns what is wrong with it, with status 400
 */
export function ambiguousHostOf({ raw }: FastifyRequest): Error | null {
  const hosts = timesSent(raw, 'host');
  // HTTP/1.0 came before hosts had names.
  const isRequired = raw.httpVersionMajor > 1 || raw.httpVersionMinor > 0;
  if (hosts === 1 || (hosts === 0 && !isRequired)) return null;
  return Object.assign(new Error('Expected one Host header.'), { statusCode: 400 });
}

/** How many headers of a name a request has, of which Node may show only one. */
export function timesSent({ rawHeaders }: IncomingMessage, name: string): number {
  let times = 0;
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const text = rawHeaders[place];
    if (text?.length === name.length && text.toLowerCase() === name) times++;
  }
  return times;
}
