import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { inject } from 'vitest';
import { FOLLOW } from '../live.ts';
import type { SecondGateway } from '../two-gateways.ts';
import type { Attack } from './attack.ts';
import { ask, post, send } from './request.ts';

/** Operations that nobody has registered, at a storefront that runs no others; its staff's endpoint only notes them. */
export const runsRegisteredOnly = { STOREFRONT_SAFELIST: 'enforce', ADMIN_SAFELIST: 'log' };

const { gatewayUrl: freeUrl } = inject('shop');
const notAllowed = { status: 400, code: 'PERSISTED_QUERY_NOT_ALLOWED' };
const isRun = { status: 200 };

const search = registered('storefront', 'ProductSearch');
const signIn = registered('storefront', 'SignIn');
const orderList = registered('admin', 'OrderList');
const variables = { query: 'shoe', first: 1 };
const free = '{ products(first: 1) { nodes { id } } }';
const signUp = (email: string) =>
  `mutation SignIn { signUp(input: { email: "${email}", password: "a long enough secret", displayName: "X" }) { user { id } } }`;

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
const byHash = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });

export function safelist(gateway: () => SecondGateway): Attack[] {
  const storefront = (body: object, headers?: Record<string, string>) =>
    post(gateway().gatewayUrl, JSON.stringify(body), headers);
  const admin = (body: object) => post(gateway().adminUrl, JSON.stringify(body));
  const get = (parameters: Record<string, string>, headers: Record<string, string> = {}) =>
    send(`${gateway().gatewayUrl}?${new URLSearchParams(parameters)}`, {
      headers: { 'apollo-require-preflight': '1', ...headers },
    });
  const searchParameters = { documentId: search.id, variables: JSON.stringify(variables) };

  const registeredOnes: Attack[] = [
    { tries: 'a registered text', request: () => storefront({ query: search.body, variables }), answer: isRun },
    { tries: 'its id', request: () => storefront({ documentId: search.id, variables }), answer: isRun },
    { tries: 'its id as a hash', request: () => storefront({ ...byHash(search.id), variables }), answer: isRun },
    {
      tries: 'its text and its id',
      request: () => storefront({ query: search.body, documentId: search.id, variables }),
      answer: isRun,
    },
    {
      tries: 'its id by GET, which caches may keep',
      request: () => get(searchParameters),
      answer: { ...isRun, headers: { 'cache-control': /max-age=\d+/, etag: /"/ } },
    },
    {
      tries: 'its id by GET again, with the tag of the first answer',
      async request() {
        const { headers } = await get(searchParameters);
        return get(searchParameters, { 'if-none-match': headers.get('etag') ?? '' });
      },
      answer: { status: 304, isJson: false },
    },
    {
      tries: 'its hash by GET',
      request: () =>
        get({ extensions: JSON.stringify(byHash(search.id).extensions), variables: searchParameters.variables }),
      answer: isRun,
    },
    {
      tries: 'the id of a mutation by GET',
      request: () => get({ documentId: signIn.id, variables: '{"input":{"email":"a@b.example","password":"x"}}' }),
      answer: { status: 405, code: 'BAD_USER_INPUT' },
    },
    {
      tries: 'a registered id for an operation of another name than its own',
      request: () => storefront({ documentId: search.id, operationName: 'SignIn', variables }),
      answer: { status: 400, code: 'BAD_USER_INPUT' },
    },
  ];

  const others: Attack[] = [
    { tries: 'a text of their own', request: () => storefront({ query: free }), answer: notAllowed },
    {
      tries: 'a change of their own',
      request: () => storefront({ query: signUp(`${randomUUID()}@test.example`) }),
      answer: notAllowed,
    },
    {
      tries: 'a change of their own as a customer',
      request: ({ victim }) =>
        ask(
          { ...victim, url: gateway().gatewayUrl },
          'mutation { viewer: userDelete(password: "x") { userErrors { code } } }',
        ),
      answer: notAllowed,
    },
    {
      tries: 'a text of their own as an administrator',
      request: ({ admin }) => ask({ ...admin, url: gateway().gatewayUrl }, free),
      answer: notAllowed,
    },
    {
      tries: 'to see the schema',
      request: () => storefront({ query: '{ __schema { types { name } } }' }),
      answer: notAllowed,
    },
    {
      tries: 'a text of their own under the name of a registered operation',
      request: () => storefront({ query: `query ProductSearch ${free}`, operationName: 'ProductSearch' }),
      answer: notAllowed,
    },
    {
      tries: 'a registered text under another name',
      request: () => storefront({ query: search.body.replace('ProductSearch', 'Search'), variables }),
      answer: notAllowed,
    },
    {
      tries: 'a registered text with a space more',
      request: () => storefront({ query: `${search.body} `, variables }),
      answer: notAllowed,
    },
    {
      tries: 'a registered text with an alias more',
      request: () => storefront({ query: search.body.replace('nodes {', 'nodes { more: id'), variables }),
      answer: notAllowed,
    },
    {
      tries: 'a registered text and an operation of their own beside it',
      request: () => storefront({ query: `${search.body} query Other ${free}`, operationName: 'Other' }),
      answer: notAllowed,
    },
    {
      tries: 'a text of their own under a registered id',
      request: () => storefront({ query: free, documentId: search.id }),
      answer: notAllowed,
    },
    {
      tries: 'a registered text under the id of another one',
      request: () => storefront({ query: search.body, documentId: signIn.id, variables }),
      answer: { status: 400, code: 'BAD_USER_INPUT' },
    },
    { tries: 'an id nobody has heard of', request: () => storefront({ documentId: 'unheard-of' }), answer: notAllowed },
    {
      tries: 'an id nobody has heard of by GET',
      request: () => get({ documentId: hashOf('unheard-of') }),
      answer: notAllowed,
    },
    {
      tries: 'an id that is the name of something else',
      request: () => storefront({ documentId: '__proto__' }),
      answer: notAllowed,
    },
    {
      tries: 'an operation that only staff have registered',
      request: () => storefront({ documentId: orderList.id }),
      answer: notAllowed,
    },
    {
      tries: 'a subscription of their own',
      request: ({ victim }) =>
        storefront(
          { query: FOLLOW, variables: { id: victim.orderId } },
          { accept: 'text/event-stream', authorization: `Bearer ${victim.accessToken}` },
        ),
      answer: notAllowed,
    },
    { tries: 'what is no GraphQL', request: () => storefront({ query: '{' }), answer: notAllowed },
  ];

  const taught: Attack[] = [
    {
      tries: 'to teach the gateway a text with its hash',
      request: () => storefront({ query: free, ...byHash(hashOf(free)) }),
      answer: notAllowed,
    },
    {
      tries: 'the hash of a text they have tried to teach it',
      async request() {
        const text = `${free} # ${randomUUID()}`;
        await storefront({ query: text, ...byHash(hashOf(text)) });
        return storefront(byHash(hashOf(text)));
      },
      answer: notAllowed,
    },
    {
      tries: 'to teach the other gateways a text by this one',
      async request() {
        const text = `${free} # ${randomUUID()}`;
        await storefront({ query: text, ...byHash(hashOf(text)) });
        return post(freeUrl, JSON.stringify(byHash(hashOf(text))));
      },
      answer: { status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' },
    },
    {
      tries: 'the hash of a text that another gateway has learned',
      async request() {
        const text = `${free} # ${randomUUID()}`;
        await post(freeUrl, JSON.stringify({ query: text, ...byHash(hashOf(text)) }));
        return storefront(byHash(hashOf(text)));
      },
      answer: notAllowed,
    },
  ];

  const atStaffs: Attack[] = [
    {
      tries: 'a text of their own at the endpoint that only notes them',
      request: () => admin({ query: free }),
      answer: isRun,
    },
    {
      tries: 'there an operation that only the storefront has registered, by its id',
      request: () => admin({ documentId: search.id, variables }),
      answer: { status: 200, code: 'PERSISTED_QUERY_NOT_FOUND' },
    },
    {
      tries: 'there a registered id as nobody',
      request: () => admin({ documentId: orderList.id }),
      answer: { status: 200, code: 'UNAUTHENTICATED' },
    },
  ];

  return [...registeredOnes, ...others, ...taught, ...atStaffs];
}

/** What this project registers itself. */
function registered(contract: 'storefront' | 'admin', wanted: string): { id: string; body: string } {
  const file = new URL(`../../schema/manifests/${contract}.json`, import.meta.url);
  const { operations } = JSON.parse(readFileSync(file, 'utf8')) as {
    operations: { id: string; name: string; body: string }[];
  };
  const operation = operations.find(({ name }) => name === wanted);
  if (!operation) throw new Error(`Expected the manifest of the ${contract} to have ${wanted}.`);
  return operation;
}
