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

/** Of those entries whose range (in canonical form) covers the address, the one with the narrowest: it decides. */
export function narrowestFor<Entry extends { subject: string }>(
  entries: readonly Entry[],
  address: string,
): Entry | undefined {
  const prefixOf = ({ subject }: Entry) => Number(subject.slice(subject.indexOf('/') + 1));
  return entries
    .filter(({ subject }) => rangeCovers(subject, address))
    .reduce<Entry | undefined>((best, entry) => (best && prefixOf(best) >= prefixOf(entry) ? best : entry), undefined);
}

/** Whether an address lies in a canonical range. An IPv4 address may be written as one of IPv6 (`::ffff:192.0.2.1`). */
export function rangeCovers(range: string, address: string): boolean {
  return isIP(address) !== 0 && blockListOf(range).check(address, familyOf(address));
}

const MAX_REMEMBERED = 1_000;
const blockLists = new Map<string, BlockList>();

/** Every request asks for the same few ranges. */
function blockListOf(range: string): BlockList {
  const known = blockLists.get(range);
  if (known) return known;
  const [network = '', prefix] = range.split('/');
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), familyOf(network));
  if (blockLists.size >= MAX_REMEMBERED) blockLists.clear();
  blockLists.set(range, list);
  return list;
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
