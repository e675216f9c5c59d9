import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DEMO_PASSWORD, demoAccounts } from '@souk/dev/demo-accounts';
import { graphql } from './generated/gql.ts';
import type { TypedDocumentString } from './generated/graphql.ts';

/** A client of the shop: an endpoint and, once signed in, an access token. */
export interface Client {
  url: string;
  accessToken?: string;
  /** What it sends besides, such as a proxy's word about its address. */
  headers?: Record<string, string>;
}

export interface Answer<Data> {
  data: Data | null | undefined;
  errors: {
    message: string;
    path?: (string | number)[];
    extensions: { code: string; requestId: string; retryable: boolean };
  }[];
  status: number;
  headers: Headers;
}

/** Sends one operation and gives back whatever came: data, errors, both. */
export async function send<Data, Variables>(
  client: Client,
  document: TypedDocumentString<Data, Variables> | string,
  variables?: Variables,
): Promise<Answer<Data>> {
  const response = await fetch(client.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(client.accessToken ? { authorization: `Bearer ${client.accessToken}` } : {}),
      ...client.headers,
    },
    body: JSON.stringify({ query: document.toString(), variables }),
  });
  const { data, errors = [] } = (await response.json()) as { data?: Data | null; errors?: Answer<Data>['errors'] };
  return { data, errors, status: response.status, headers: response.headers };
}

/** The same where only an answer without errors will do. */
export async function ask<Data, Variables>(
  client: Client,
  document: TypedDocumentString<Data, Variables>,
  variables?: Variables,
): Promise<Data> {
  const { data, errors, status } = await send(client, document, variables);
  if (errors.length > 0 || !data) throw new Error(`Expected data, got status ${status} and ${JSON.stringify(errors)}`);
  return data;
}

const PAUSE_MS = 200;
const PATIENCE_MS = 60_000;

/** Asks again until there is an answer. */
export async function patiently<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  for (const giveUpAt = Date.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    try {
      return await question();
    } catch (error) {
      if (!isUnknown(error) || Date.now() > giveUpAt) throw error;
    }
  }
}

/** The shop did nothing, does not know what it did, or does not answer at all. */
function isUnknown(error: unknown): boolean {
  return error instanceof Error && /"retryable":true|"code":"SUBGRAPH_TIMEOUT"|^fetch failed$/.test(error.message);
}

export const PASSWORD = 'a long enough secret';

const SignUp = graphql(`
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) {
      user { id email }
      tokens { accessToken refreshToken }
      userErrors { code field message }
    }
  }
`);

export interface Person extends Client {
  accessToken: string;
  refreshToken: string | null;
  userId: string;
  email: string;
}

/** A new customer, signed in. */
export async function newCustomer(url: string, name = 'Customer'): Promise<Person> {
  const email = `${name.toLowerCase()}-${randomUUID()}@test.example`;
  const { signUp } = await ask({ url }, SignUp, { input: { email, password: PASSWORD, displayName: name } });
  if (!signUp?.user || !signUp.tokens) throw new Error(`Expected a new account, got ${JSON.stringify(signUp)}`);
  return { url, email, userId: signUp.user.id, ...signUp.tokens };
}

const SignIn = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      user { id }
      tokens { accessToken refreshToken }
      userErrors { code field message }
    }
  }
`);

export async function signIn(url: string, email: string, password: string, cartId?: string): Promise<Person> {
  const { signIn: payload } = await ask({ url }, SignIn, { input: { email, password, ...(cartId ? { cartId } : {}) } });
  if (!payload?.user || !payload.tokens)
    throw new Error(`Expected a session, got ${JSON.stringify(payload?.userErrors)}`);
  return { url, email, userId: payload.user.id, ...payload.tokens };
}

/** A demo account by its role, signed in at the staff's endpoint. */
export function staff(url: string, role: (typeof demoAccounts)[number]['role']): Promise<Person> {
  const account = demoAccounts.find((demo) => demo.role === role);
  if (!account) throw new Error(`Expected a demo account for ${role}, found none.`);
  return signIn(url, account.email, DEMO_PASSWORD);
}
