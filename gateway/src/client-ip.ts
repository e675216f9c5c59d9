import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const IPV4_IN_IPV6 = /^::ffff:(?=\d+\.)/i;
/** Some proxies add the port: `203.0.113.7:5678`, `[2001:db8::1]:5678`, as RFC 7239, section 6, writes addresses. */
const WITH_PORT = /^(?:\[(?<six>[^\]]+)\]|(?<four>[\d.]+))(?::\d{1,5})?$/;

/**
 * The address of a client, always a valid one: what the outermost trusted proxy says, or the socket's where that is no address.
 * What stands further left in X-Forwarded-For was written by the client and counts for nothing.
 */
export function clientIpOf({
  ip,
  socket,
}: {
  ip: string;
  socket: Pick<FastifyRequest['socket'], 'remoteAddress'>;
}): string {
  // As nearly always.
  if (isIP(ip) === 4) return ip;
  const { six, four } = WITH_PORT.exec(ip)?.groups ?? {};
  const told = six ?? four ?? ip;
  const address = isIP(told) === 0 || told.includes('%') ? (socket.remoteAddress ?? '') : told;
  return plainAddress(address);
}

/**
 * The same for a request that Fastify has not seen.
 *
 * @param remoteAddress    the socket's
 * @param forwardedFor     what X-Forwarded-For says: each proxy adds whom it was asked by
 * @param trustedProxyHops how many proxies in front are believed
 */
export function addressBehind(
  remoteAddress: string,
  forwardedFor: string | undefined,
  trustedProxyHops: number,
): string {
  if (trustedProxyHops === 0 || forwardedFor === undefined) return plainAddress(remoteAddress);
  const told = [remoteAddress, ...forwardedFor.split(',').reverse()];
  const ip = told[Math.min(trustedProxyHops, told.length - 1)]?.trim() ?? remoteAddress;
  return clientIpOf({ ip, socket: { remoteAddress } });
}

/** An address of IPv4 as such, where a socket of IPv6 says it. */
export function plainAddress(address: string): string {
  return address.replace(IPV4_IN_IPV6, '');
}
