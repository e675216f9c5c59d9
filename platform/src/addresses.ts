import { lookup as lookUp } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from './logger.ts';

/** One place where a service answers. */
export interface Address {
  /** Its GraphQL endpoint, as configured. */
  url: URL;
  /** Which of the host's addresses it is; undefined when the URL names one itself. */
  ip?: string;
}

/** All addresses of a host. */
export type Lookup = (hostname: string) => Promise<string[]>;

export interface AddressesOptions {
  /** Endpoints of one service. A host name stands for all the addresses that DNS has for it. */
  urls: readonly string[];
  logger: Logger;
  /** Told the addresses at once where they need no DNS, and whenever they have changed. */
  onChange(addresses: Address[]): void;
  /** How names are looked up: by the DNS of the machine. */
  lookup?: Lookup;
  lookupEveryMs?: number;
}

export interface Addresses {
  /** Resolves when DNS has been asked once, or was silent for a second. */
  known: Promise<void>;
  close(): void;
}

const LOOK_EVERY_MS = 5_000;
const FIRST_LOOK_MS = 1_000;

/**
 * Follows where a service answers. Names are resolved anew every five seconds, because instances come and go; when DNS does not know or does not answer,
 * what was known before stays, because DNS fails more often than everything it told of disappears.
 */
export function followAddresses(options: AddressesOptions): Addresses {
  const { logger, onChange, lookup = addressesOf, lookupEveryMs = LOOK_EVERY_MS } = options;
  const urls = options.urls.map((url) => new URL(url));
  const ips = new Map<string, string[]>();
  const closing = new AbortController();
  let told = '';

  async function look(): Promise<void> {
    await Promise.all(namesIn(urls).map(resolve));
    const addresses = urls.flatMap((url) => addressesBehind(url, ips.get(url.hostname)));
    const list = addresses.map(({ url, ip }) => `${url} ${ip}`).join();
    if (list === told || closing.signal.aborted) return;
    told = list;
    onChange(addresses);
  }

  async function resolve(hostname: string): Promise<void> {
    try {
      const found = await lookup(hostname);
      if (found.length > 0) ips.set(hostname, found.sort());
    } catch (error) {
      logger.warn({ err: error, hostname }, 'a host of a service cannot be found; what was known of it before stays');
    }
  }

  async function follow(): Promise<void> {
    while (namesIn(urls).length > 0) {
      await delay(lookupEveryMs, undefined, { signal: closing.signal, ref: false }).catch(() => {});
      if (closing.signal.aborted) return;
      await look();
    }
  }

  const looked = look();
  void looked.then(follow);
  return {
    known: Promise.race([looked, delay(FIRST_LOOK_MS, undefined, { ref: false })]),
    close: () => closing.abort(),
  };
}

async function addressesOf(hostname: string): Promise<string[]> {
  const found = await lookUp(hostname, { all: true });
  return [...new Set(found.map(({ address }) => address))];
}

function namesIn(urls: URL[]): string[] {
  return [...new Set(urls.filter((url) => !isAddress(url)).map(({ hostname }) => hostname))];
}

function addressesBehind(url: URL, ips: string[] = []): Address[] {
  return isAddress(url) ? [{ url }] : ips.map((ip) => ({ url, ip }));
}

/** IPv6 addresses stand in brackets in URLs. */
function isAddress({ hostname }: URL): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}
