import { BlockList, isIP } from 'node:net';

/** An address or network in its one canonical form, such as `203.0.113.0/24`; undefined when it is neither. */
export function canonicalRange(text: string): string | undefined {
  const [address = '', prefixText, ...rest] = text.trim().split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0 || address.includes('%')) return undefined;
  const width = version === 4 ? 32 : 128;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? width : Number(prefixText);
  // A network as wide as the Internet is never meant, and denying it would shut out everybody.
  if (prefix < 1 || prefix > width) return undefined;
  const hostBits = BigInt(width - prefix);
  const network = (toNumber(address, version) >> hostBits) << hostBits;
  return `${fromNumber(network, version)}/${prefix}`;
}

/** Whether an address lies in a canonical range. */
export function rangeCovers(range: string, address: string): boolean {
  const [network = '', prefix] = range.split('/');
  if (isIP(address) === 0) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), familyOf(network));
  return list.check(address, familyOf(address));
}

/** How narrow a canonical range is: the length of its prefix. */
export function prefixOf(range: string): number {
  return Number(range.slice(range.indexOf('/') + 1));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

function toNumber(address: string, version: number): bigint {
  if (version === 4) return address.split('.').reduce((number, part) => (number << 8n) | BigInt(part), 0n);
  // The URL parser knows every way to write an IPv6 address (RFC 4291, section 2.2) and leaves only hexadecimal groups.
  const [left = '', right] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => text.split(':').filter(Boolean);
  const end = groups(right ?? '');
  const start = groups(left);
  const zeros = Array.from({ length: 8 - start.length - end.length }, () => '0');
  return [...start, ...zeros, ...end].reduce((number, group) => (number << 16n) | BigInt(`0x${group}`), 0n);
}

function fromNumber(number: bigint, version: number): string {
  const part = (index: number, bits: number) => (number >> BigInt(index * bits)) & ((1n << BigInt(bits)) - 1n);
  if (version === 4) return [3, 2, 1, 0].map((index) => part(index, 8)).join('.');
  const full = [7, 6, 5, 4, 3, 2, 1, 0].map((index) => part(index, 16).toString(16)).join(':');
  return new URL(`http://[${full}]`).hostname.slice(1, -1);
}
