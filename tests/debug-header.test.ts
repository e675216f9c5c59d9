import { DEMO_PASSWORD } from '@souk/dev/demo-accounts';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { newCustomer, type Person, staff } from './client.ts';

const { gatewayUrl, adminUrl, serviceUrls } = inject('shop');
const query =
  '{ orders(first: 3) { nodes { number customer { displayName } lines(first: 2) { nodes { variant { sku } } } } } }';
let admin: Person;

beforeAll(async () => {
  admin = await staff(adminUrl, 'ADMIN');
});

/** The headers that matter and the body as it came. */
async function post(url: string, body: object, headers: Record<string, string> = {}) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'debug-0001', ...headers },
    body: JSON.stringify(body),
  });
  const {
    'content-type': type,
    'cache-control': cacheControl,
    'content-length': length,
  } = Object.fromEntries(answer.headers);
  return { status: answer.status, type, cacheControl, length, text: await answer.text() };
}

const as = ({ accessToken }: Person, debug?: string) => ({
  authorization: `Bearer ${accessToken}`,
  ...(debug === undefined ? {} : { 'x-souk-debug': debug }),
});

interface Debug {
  plan?: string;
  subgraphs?: Record<string, unknown>[];
  sql?: Record<string, { count: number; durationMs: number }>;
}

async function debugOf(body: object, debug: string, url = adminUrl): Promise<Debug> {
  const { status, text } = await post(url, body, as(admin, debug));
  expect(status).toBe(200);
  return (JSON.parse(text) as { extensions: { debug: Debug } }).extensions.debug;
}

describe('staff with debug:read', () => {
  it('see the plan, each request to a subgraph and what SQL it took', async () => {
    const { plan, subgraphs = [], sql = {} } = await debugOf({ query }, 'plan, subgraphs, sql');
    expect(plan).toMatch(/^QueryPlan \{[\s\S]*Fetch\(service: "order"\)/);
    expect(subgraphs[0]).toEqual({
      subgraph: 'order',
      kind: 'query',
      outcome: 'answered',
      addresses: [`${serviceUrls.order}/graphql`],
      startMs: expect.any(Number),
      durationMs: expect.any(Number),
    });
    expect(new Set(subgraphs.map(({ subgraph }) => subgraph))).toEqual(new Set(['order', 'user', 'catalog']));
    expect(Object.keys(sql).sort()).toEqual(['catalog', 'order', 'user']);
    for (const { count, durationMs } of Object.values(sql)) {
      expect(count).toBeGreaterThanOrEqual(1);
      expect(durationMs).toBeGreaterThan(0);
    }
  });

  it('see only what they ask for, and the same data as without', async () => {
    const plain = await post(adminUrl, { query }, as(admin));
    const { text } = await post(adminUrl, { query }, as(admin, 'sql, nonsense'));
    const { extensions, ...rest } = JSON.parse(text);
    expect(rest).toEqual(JSON.parse(plain.text));
    expect(Object.keys(extensions.debug)).toEqual(['sql']);
  });

  it('see it beside errors and at the storefront, too', async () => {
    const answer = await post(
      gatewayUrl,
      { query: '{ products(first: 101) { nodes { id } } }' },
      as(admin, 'subgraphs'),
    );
    const { errors, extensions } = JSON.parse(answer.text);
    expect(errors).toHaveLength(1);
    expect(extensions.debug.subgraphs).toMatchObject([{ outcome: 'answered' }]);
  });

  it('see nothing for words that are none', async () => {
    const { text } = await post(adminUrl, { query }, as(admin, 'everything'));
    expect(JSON.parse(text)).not.toHaveProperty('extensions');
  });
});

describe('for anybody else the header does not exist: each byte of the answer is the same', () => {
  const everything = { 'x-souk-debug': 'plan, subgraphs, sql', 'souk-debug': 'plan, subgraphs, sql' };
  const bodies = [
    ['data', { query: '{ products(first: 2) { nodes { id title variants(first: 2) { nodes { sku } } } } }' }],
    ['an error', { query: '{ products(first: 101) { nodes { id } } }' }],
    ['a refusal', { query: '{ nothing }' }],
  ] as const;

  it.each(bodies)('%s, for nobody in particular', async (_, body) => {
    expect(await post(gatewayUrl, body, everything)).toEqual(await post(gatewayUrl, body));
  });

  it.each(bodies)('%s, for a customer', async (_, body) => {
    const customer = await newCustomer(gatewayUrl);
    expect(await post(gatewayUrl, body, { ...as(customer), ...everything })).toEqual(
      await post(gatewayUrl, body, as(customer)),
    );
  });

  it('for staff without the scope', async () => {
    const manager = await staff(adminUrl, 'ORDER_MANAGER');
    expect(await post(adminUrl, { query }, { ...as(manager), ...everything })).toEqual(
      await post(adminUrl, { query }, as(manager)),
    );
  });

  it('for a mutation that signs in', async () => {
    const signIn = `mutation { signIn(input: { email: "admin@souk.example", password: "${DEMO_PASSWORD}x" }) { userErrors { code } } }`;
    expect(await post(gatewayUrl, { query: signIn }, everything)).toEqual(await post(gatewayUrl, { query: signIn }));
  });
});
