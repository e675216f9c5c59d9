import { isIPv4 } from 'node:net';
import { canonicalRange } from '@souk/platform/ip-range';

const IPV4_IN_IPV6 = '::ffff:';

/**
 * The network that limits count as one client: an IPv4 address, or the /64 of an IPv6 address, of which every customer of a provider has at least one whole
 * (RFC 6177, section 2).
 */
export function clientNetwork(address: string): string {
  // A socket that listens for both kinds shows the older one like this (RFC 4291, section 2.5.5.2).
  const plain = address.toLowerCase().startsWith(IPV4_IN_IPV6) ? address.slice(IPV4_IN_IPV6.length) : address;
  if (isIPv4(plain)) return plain;
  return canonicalRange(`${address}/64`) ?? 'unknown';
}
