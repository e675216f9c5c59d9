import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { auditServer } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const { gatewayUrl, adminUrl } = inject('shop');

describe('GraphQL over HTTP', () => {
  let stock: ApolloServer;
  let stockUrl: string;
  beforeAll(async () => {
    stock = new ApolloServer({ typeDefs: 'type Query { hello: String }' });
    stockUrl = (await startStandaloneServer(stock, { listen: { host: '127.0.0.1', port: 0 } })).url;
  });
  afterAll(() => stock?.stop());

  it.each([
    ['storefront', gatewayUrl],
    ['admin', adminUrl],
  ])(
    'is spoken by the %s endpoint as it MUST, and as it SHOULD but for points that Apollo Server misses, too',
    async (_, url) => {
      const failed = await failedAudits(url);
      expect(failed.filter((name) => !name.startsWith('SHOULD'))).toEqual([]);
      // Clients that accept application/json only still deserve to see a failed request in its status.
      expect(failed).toEqual([
        'SHOULD use 200 status code on document parsing failure when accepting application/json',
        'SHOULD use 200 status code on document validation failure when accepting application/json',
        'SHOULD use a status code of 200 on variable coercion failure when accepting application/json',
      ]);
      expect(await failedAudits(stockUrl)).toEqual(expect.arrayContaining(failed));
    },
    60_000,
  );
});

/** The rules of the specification that are not kept, whether they MUST or SHOULD be; that what MAY be is not, is no failure. */
async function failedAudits(url: string): Promise<string[]> {
  const results = await auditServer({ url, fetchFn: fetch });
  return results.filter(({ status, name }) => status !== 'ok' && !name.startsWith('MAY')).map(({ name }) => name);
}

describe('the door', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(gatewayUrl, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

  it('shows GraphiQL to a browser, complete and without reaching for anything elsewhere', async () => {
    const response = await fetch(gatewayUrl, { headers: { accept: 'text/html' } });
    const page = await response.text();
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(page).toContain('GraphiQL');
    expect(page).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/);
  });

  it('lets Apollo Sandbox in while developing', async () => {
    const response = await fetch(gatewayUrl, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://studio.apollographql.com',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    expect(response.headers.get('access-control-allow-origin')).toBe('https://studio.apollographql.com');
  });

  it('ignores what a client claims to be inside the system', async () => {
    const response = await post('{"query":"{ viewer { id } }"}', {
      'souk-assertion': 'x',
      'souk-client-ip': '10.0.0.1',
    });
    expect(await response.json()).toEqual({ data: { viewer: null } });
  });

  it('answers every request with an id, the caller’s own where it is fit to be one', async () => {
    expect(
      (await post('{"query":"{__typename}"}', { 'x-request-id': 'mobile-1234.abc' })).headers.get('x-request-id'),
    ).toBe('mobile-1234.abc');
    expect((await post('{"query":"{__typename}"}', { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(
      /^[\da-f-]{36}$/,
    );
  });
});
