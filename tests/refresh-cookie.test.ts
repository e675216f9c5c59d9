import { randomUUID } from 'node:crypto';
import { describe, expect, inject, it } from 'vitest';
import { ask, PASSWORD, type Person, send, signIn } from './client.ts';
import { graphql } from './generated/gql.ts';

/** A web shop whose pages have the gateway keep their refresh token: the whole way, as a browser goes it. */

const { gatewayUrl, adminUrl } = inject('shop');
const storefront = 'http://localhost:3000';
const COOKIE = 'souk-refresh-token';
const LEFT_OUT = 'left out';

const Sessions = graphql(`query OwnSessions { viewer { id sessions { id lastSeenAt } } }`);

const TOKENS = 'tokens { accessToken refreshToken refreshTokenExpiresAt } userErrors { code }';
const SIGN_UP = `mutation ($input: SignUpInput!) { signUp(input: $input) { ${TOKENS} } }`;
const SIGN_IN = `mutation ($input: SignInInput!) { signIn(input: $input) { session: tokens { token: accessToken } userErrors { code } } }`;
const REFRESH = `mutation { tokenRefresh(input: {}) { ${TOKENS} } }`;
const SIGN_OUT = 'mutation { signOut { signedOutSessionIds userErrors { code } } }';

interface Sent {
  status: number;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: what an operation answers is known to the test that sends it
  data: any;
  codes: string[];
  setCookie: string | null;
  headers: Headers;
}

/** As much of a browser as matters: it keeps cookies from scripts, and says where a page is from. */
class Browser {
  cookie: string | undefined;

  async send(
    query: string,
    { variables = {}, headers = {} as Record<string, string>, url = gatewayUrl } = {},
  ): Promise<Sent> {
    const sent: Record<string, string> = {
      'content-type': 'application/json',
      origin: storefront,
      'sec-fetch-site': 'same-site',
      'x-souk-refresh-token': 'cookie',
      ...(this.cookie ? { cookie: `theme=dark; ${COOKIE}=${this.cookie}` } : {}),
      ...headers,
    };
    const response = await fetch(url, {
      method: 'POST',
      headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== LEFT_OUT)),
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const { data, errors = [] } = JSON.parse(text) as { data?: unknown; errors?: { extensions: { code: string } }[] };
    const setCookie = response.headers.get('set-cookie');
    const [, value] = new RegExp(`^${COOKIE}=([^;]*)`).exec(setCookie ?? '') ?? [];
    if (value !== undefined) this.cookie = value || undefined;
    return {
      status: response.status,
      text,
      data,
      codes: errors.map(({ extensions }) => extensions.code),
      setCookie,
      headers: response.headers,
    };
  }
}

const newEmail = () => `browser-${randomUUID()}@test.example`;

/** A browser in which somebody has just signed up, and the same person on a telephone that keeps its own tokens. */
async function newVisitor(): Promise<{ browser: Browser; accessToken: string; telephone: Person; email: string }> {
  const browser = new Browser();
  const email = newEmail();
  const { data } = await browser.send(SIGN_UP, {
    variables: { input: { email, password: PASSWORD, displayName: 'Visitor' } },
  });
  const { accessToken } = data.signUp.tokens;
  return { browser, accessToken, email, telephone: await signIn(gatewayUrl, email, PASSWORD) };
}

const sessionsOf = async (person: Person) => (await ask(person, Sessions)).viewer?.sessions;

describe('a browser', () => {
  it('gets its refresh token in a cookie for this endpoint alone, and in nothing else', async () => {
    const browser = new Browser();
    const { data, text, setCookie } = await browser.send(SIGN_UP, {
      variables: { input: { email: newEmail(), password: PASSWORD, displayName: 'Visitor' } },
    });
    expect(data.signUp).toMatchObject({
      tokens: { accessToken: expect.any(String), refreshToken: null },
      userErrors: [],
    });
    expect(setCookie).toMatch(/^souk-refresh-token=[\w-]{43}; Max-Age=\d+; Path=\/graphql; HttpOnly; SameSite=Strict$/);
    expect(text).not.toContain(browser.cookie);
    const maxAge = Number(/Max-Age=(\d+)/.exec(setCookie ?? '')?.[1]);
    const lifeSeconds = (Date.parse(data.signUp.tokens.refreshTokenExpiresAt) - Date.now()) / 1_000;
    expect(Math.abs(maxAge - lifeSeconds)).toBeLessThan(30);
  });

  it('gets it by any name of the field, or without asking for it', async () => {
    const { browser, email } = await newVisitor();
    const { data, setCookie } = await browser.send(SIGN_IN, { variables: { input: { email, password: PASSWORD } } });
    expect(data.signIn.session.token).toEqual(expect.any(String));
    expect(setCookie).toContain(`${COOKIE}=`);
  });

  it('exchanges it for the next one, again and again, and lives on with the access tokens', async () => {
    const { browser } = await newVisitor();
    const seen = new Set([browser.cookie]);
    for (let round = 0; round < 3; round++) {
      const { data } = await browser.send(REFRESH);
      const { accessToken } = data.tokenRefresh.tokens;
      seen.add(browser.cookie);
      const viewer = await send({ url: gatewayUrl, accessToken }, '{ viewer { id } }');
      expect(viewer.data).toMatchObject({ viewer: { id: expect.any(String) } });
    }
    expect(seen.size).toBe(4);
  });

  it('gets the same next one in two tabs that refresh at once', async () => {
    const { browser } = await newVisitor();
    const tabs = [browser, Object.assign(new Browser(), { cookie: browser.cookie })];
    await Promise.all(tabs.map((tab) => tab.send(REFRESH)));
    expect(tabs[0]?.cookie).toBe(tabs[1]?.cookie);
    expect((await browser.send(REFRESH)).data.tokenRefresh.userErrors).toEqual([]);
  });

  it('loses it by signing out, for which it needs no access token', async () => {
    const { browser, telephone } = await newVisitor();
    const { cookie } = browser;
    const { data, setCookie } = await browser.send(SIGN_OUT);
    expect(data.signOut.signedOutSessionIds).toHaveLength(1);
    expect(setCookie).toBe('souk-refresh-token=; Max-Age=0; Path=/graphql; HttpOnly; SameSite=Strict');
    expect(browser.cookie).toBeUndefined();
    const thief = Object.assign(new Browser(), { cookie });
    expect((await thief.send(REFRESH)).data.tokenRefresh.userErrors).toEqual([{ code: 'TOKEN_INVALID' }]);
    expect(await sessionsOf(telephone)).toHaveLength(1);
  });

  it('whose token was copied and used loses it, and so does the thief', async () => {
    const { browser, telephone } = await newVisitor();
    const thief = Object.assign(new Browser(), { cookie: browser.cookie });
    await thief.send(REFRESH);
    await thief.send(REFRESH);
    const { data, setCookie } = await browser.send(REFRESH);
    expect(data.tokenRefresh).toEqual({ tokens: null, userErrors: [{ code: 'TOKEN_REUSED' }] });
    expect(setCookie).toContain('Max-Age=0');
    expect((await thief.send(REFRESH)).data.tokenRefresh.userErrors).toEqual([{ code: 'TOKEN_REUSED' }]);
    expect(thief.cookie).toBeUndefined();
    expect(await sessionsOf(telephone)).toHaveLength(1);
  });

  it('without a cookie is told to sign in', async () => {
    const { data } = await new Browser().send(REFRESH);
    expect(data.tokenRefresh).toEqual({ tokens: null, userErrors: [{ code: 'REQUIRED' }] });
  });

  it('has one cookie for each endpoint', async () => {
    const { setCookie } = await new Browser().send(SIGN_IN, {
      url: adminUrl,
      variables: { input: { email: 'nobody@test.example', password: 'x' } },
    });
    expect(setCookie).toBeNull();
    const { email } = await newVisitor();
    const answer = await new Browser().send(SIGN_IN, {
      url: adminUrl,
      variables: { input: { email, password: PASSWORD } },
    });
    expect(answer.setCookie).toContain('; Path=/admin/graphql; ');
  });
});

describe('what is not a page of a configured origin', () => {
  it.each<[string, Record<string, string>]>([
    ['a page of another origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['a page of another origin in an old browser', { origin: 'https://evil.example', 'sec-fetch-site': LEFT_OUT }],
    ['a page of a configured origin on another site', { 'sec-fetch-site': 'cross-site' }],
    ['a page in a sandbox', { origin: 'null' }],
    ['something that names no origin', { origin: LEFT_OUT }],
    ['something with an empty origin', { origin: '' }],
  ])('%s is refused, whatever it asks, and nothing has changed', async (_, lies) => {
    const { browser, accessToken, telephone, email } = await newVisitor();
    const before = await sessionsOf(telephone);
    const { cookie } = browser;
    const wishes: [string, object][] = [
      [REFRESH, {}],
      [SIGN_OUT, {}],
      [SIGN_IN, { input: { email, password: PASSWORD } }],
      ['{ viewer { id } }', {}],
    ];
    for (const [query, variables] of wishes) {
      const headers = { ...lies, authorization: `Bearer ${accessToken}` };
      const { status, codes, setCookie, data } = await browser.send(query, { variables, headers });
      expect({ status, codes, setCookie, data }).toEqual({
        status: 403,
        codes: ['FORBIDDEN'],
        setCookie: null,
        data: undefined,
      });
    }
    expect(browser.cookie).toBe(cookie);
    expect(await sessionsOf(telephone)).toEqual(before);
    expect((await browser.send(REFRESH)).data.tokenRefresh.userErrors).toEqual([]);
  });

  it('gets nothing by a cookie alone: without the header it counts for nothing', async () => {
    const { browser, telephone } = await newVisitor();
    const before = await sessionsOf(telephone);
    const { cookie = '' } = browser;
    const forged = async (query: string) => {
      const response = await fetch(gatewayUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: storefront, cookie: `${COOKIE}=${cookie}` },
        body: JSON.stringify({ query }),
      });
      expect(response.headers.get('set-cookie')).toBeNull();
      return (await response.json()) as { data: Record<string, unknown>; errors?: { extensions: { code: string } }[] };
    };
    expect((await forged(REFRESH)).data).toEqual({
      tokenRefresh: { tokens: null, userErrors: [{ code: 'REQUIRED' }] },
    });
    expect((await forged(SIGN_OUT)).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect((await forged('{ viewer { id } }')).data).toEqual({ viewer: null });
    expect(await sessionsOf(telephone)).toEqual(before);
  });

  it('cannot forge what the gateway says to subgraphs', async () => {
    const { browser, telephone } = await newVisitor();
    const before = await sessionsOf(telephone);
    const response = await fetch(gatewayUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'souk-refresh-token': browser.cookie ?? '' },
      body: JSON.stringify({ query: REFRESH }),
    });
    expect(await response.json()).toEqual({
      data: { tokenRefresh: { tokens: null, userErrors: [{ code: 'REQUIRED' }] } },
    });
    expect(await sessionsOf(telephone)).toEqual(before);
  });
});

describe('CORS', () => {
  const preflight = (origin: string) =>
    fetch(gatewayUrl, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-souk-refresh-token',
      },
    });

  it('lets pages of configured origins send credentials', async () => {
    const { headers } = await preflight(storefront);
    expect(headers.get('access-control-allow-origin')).toBe(storefront);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('vary')).toContain('Origin');
  });

  it('lets nobody else, and never everybody', async () => {
    for (const origin of ['https://studio.apollographql.com', 'https://evil.example', 'null']) {
      const { headers } = await preflight(origin);
      expect(headers.get('access-control-allow-origin')).toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBeNull();
    }
  });
});
