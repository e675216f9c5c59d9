import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Refuses bodies that are not what they would be read as: plain bytes of UTF-8 (RFC 8259, section 8.1). Something in front of the shop may read another
 * charset where the shop does not, and so let pass what it is there to stop; and what is compressed cannot be measured before it is unpacked.
 *
 * @returns what is wrong, with status 415 (RFC 9110, section 15.5.16), which says what is accepted
 */
export function otherEncodingOf({ headers }: FastifyRequest, reply: FastifyReply): Error | null {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    reply.header('accept-encoding', 'identity');
    return unsupported('Expected a body that is not compressed.');
  }
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(headers['content-type'] ?? '') ?? [];
  if (!/^utf-?8$/i.test(charset)) return unsupported('Expected a body in UTF-8.');
  return null;
}

function unsupported(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 415 });
}
