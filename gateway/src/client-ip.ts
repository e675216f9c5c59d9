import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const IPV4_IN_IPV6 = /^::ffff:(?=\d+\.)/i;
/** Some proxies add the port: `203.0.113.7:5678`, `[2001:db8::1]:5678`, as RFC 7239, section 6, writes addresses. */
const WITH_PORT = /^(?:\[(?<six>[^\]]+)\]|(?<four>[\d.]+))(?::\d{1,5})?$/;

/**
 * The address of a client, always a valid one: what the outermost trusted proxy says, or the socket's where that is no address.
 * What stands further left in X-Forwarded-For was written by the client and counts for nothing.
 */
export function clientIpOf({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  // As nearly always.
  if (isIP(ip) === 4) return ip;
  const { six, four } = WITH_PORT.exec(ip)?.groups ?? {};
  const told = six ?? four ?? ip;
  const address = isIP(told) === 0 || told.includes('%') ? (socket.remoteAddress ?? '') : told;
  return plainAddress(address);
}

/** An address of IPv4 as such, where a socket of IPv6 says it. */
export function plainAddress(address: string): string {
  return address.replace(IPV4_IN_IPV6, '');
}
