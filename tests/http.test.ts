import { auditServer } from 'graphql-http';
import { describe, expect, inject, it } from 'vitest';

const { gatewayUrl, adminUrl } = inject('shop');

describe.each([
  ['storefront', gatewayUrl],
  ['admin', adminUrl],
])('the %s endpoint', (_, url) => {
  it('does all that GraphQL over HTTP says it MUST, and what it SHOULD but for three known points', {
    timeout: 60_000,
  }, async () => {
    const results = await auditServer({ url, fetchFn: fetch });
    const failed = (word: string) =>
      results.filter(({ status, name }) => status !== 'ok' && name.startsWith(word)).map(({ name }) => name);
    expect(failed('MUST')).toEqual([]);
    // Clients that accept application/json only still deserve to see a failed request in its status, as Apollo Server has it.
    expect(failed('SHOULD')).toEqual([
      'SHOULD use 200 status code on document parsing failure when accepting application/json',
      'SHOULD use 200 status code on document validation failure when accepting application/json',
      'SHOULD use a status code of 200 on variable coercion failure when accepting application/json',
    ]);
  });
});

/** Fragments that each spread the next one twice. */
const bomb = `{ viewer { ...F0 } } ${Array.from({ length: 12 }, (_, i) => `fragment F${i} on User { ${i < 11 ? `...F${i + 1} ...F${i + 1}` : 'id'} }`).join(' ')}`;

const attempt = (alias: string) =>
  `${alias}: signIn(input: { email: "a@b.example", password: "${alias}" }) { userErrors { code } }`;
const twoAttempts = `mutation { ${attempt('first')} ${attempt('second')} }`;

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

  it.each([
    ['broken JSON', '{', {}, 400],
    ['a list of operations', '[{"query":"{__typename}"}]', {}, 400],
    ['nothing', '', {}, 400],
    ['a form', 'query={__typename}', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['an operation that does not parse', '{"query":"{"}', {}, 400],
    ['an unknown field', '{"query":"{ nothing }"}', {}, 400],
    ['a field of the staff', '{"query":"{ orders { nodes { id } } }"}', {}, 400],
    ['an internal field', '{"query":"{ accessSnapshot }"}', {}, 400],
    ['the entities field', '{"query":"{ _entities(representations: []) { __typename } }"}', {}, 400],
    ['the SDL field', '{"query":"{ _service { sdl } }"}', {}, 400],
    ['a body too large', JSON.stringify({ query: '{__typename}', variables: { x: 'x'.repeat(300_000) } }), {}, 413],
    ['headers too long', '{"query":"{__typename}"}', { 'x-long': 'x'.repeat(17_000) }, 431],
    ['a document that expands without measure', JSON.stringify({ query: bomb }), {}, 400],
    ['a document that tries two passwords', JSON.stringify({ query: twoAttempts }), {}, 400],
    ['a page too large', '{"query":"{ products(first: 100000) { nodes { id } } }"}', {}, 400],
    ['a hash that nobody knows', '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}', {}, 200],
    ['a token that is none', '{"query":"{__typename}"}', { authorization: 'Bearer nonsense' }, 401],
    ['another scheme', '{"query":"{__typename}"}', { authorization: 'Basic YTpi' }, 401],
    [
      'an unsigned token',
      '{"query":"{__typename}"}',
      { authorization: 'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.x' },
      401,
    ],
  ])('refuses %s with an error of the documented shape', async (_case, body, headers, status) => {
    const response = await post(body, headers);
    expect(response.status).toBe(status);
    const answer = (await response.json()) as { errors: { message: string; extensions: Record<string, unknown> }[] };
    for (const { message, extensions } of answer.errors) {
      expect(extensions).toMatchObject({
        code: expect.stringMatching(/^[A-Z_]+$/),
        retryable: false,
        requestId: response.headers.get('x-request-id'),
      });
      expect(Object.keys(extensions).sort()).toEqual(['code', 'requestId', 'retryable']);
      expect(message).not.toMatch(/127\.0\.0\.1|localhost|\bat .*:\d+|node_modules|Did you mean/);
    }
  });

  it('does not run operations that come by GET, where another site could send them', async () => {
    const response = await fetch(`${gatewayUrl}?query=${encodeURIComponent('{__typename}')}`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
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
