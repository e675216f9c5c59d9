import type { IncomingHttpHeaders } from 'node:http';

/** Which software of a client asks, as it says itself. */
export interface ClientSoftware {
  name: string | undefined;
  version: string | undefined;
}

/** What Apollo's clients send, and what others do. */
const prefixes = ['apollographql-client', 'graphql-client', 'x-graphql-client'];
/** Longer or stranger than this, and it may be anything: a token, a line for the log. Such a name is left out whole, because a part of a secret is one too. */
const NAME = /^[\w .@/+:()-]{1,64}$/;

export function clientSoftwareOf(headers: IncomingHttpHeaders): ClientSoftware {
  return { name: told(headers, 'name'), version: told(headers, 'version') };
}

const headersOf = {
  name: prefixes.map((prefix) => `${prefix}-name`),
  version: prefixes.map((prefix) => `${prefix}-version`),
};

function told(headers: IncomingHttpHeaders, what: 'name' | 'version'): string | undefined {
  for (const header of headersOf[what]) {
    const value = headers[header];
    if (typeof value === 'string') return NAME.test(value) ? value : undefined;
  }
  return undefined;
}
