import { createTestDatabase } from '@souk/dev/test-database';
import { openDatabase } from '@souk/platform/database';
import type { Caller } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { subgraphSchema } from '@souk/platform/subgraph-server';
import type { TokenCustody } from '@souk/platform/token-custody';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { eq } from 'drizzle-orm';
import { graphql } from 'graphql';
import { decodeJwt } from 'jose';
import { register } from 'prom-client';
import { createTokenIssuer } from './src/access-token.ts';
import { createContext } from './src/context.ts';
import { openSigningKeys } from './src/keys.ts';
import type { Mail } from './src/mail-text.ts';
import { createMailer } from './src/mailer.ts';
import { resolvers } from './src/resolvers.ts';
import { type StaffRole, staffRoles, users } from './src/tables.ts';

export type TestService = Awaited<ReturnType<typeof openTestService>>;

export const TOKEN_LIFE_SECONDS = 300;
export const PASSWORD = 'a carpet of 7 colours';

/** The user service on a database of its own, without its process: asked through its schema; mails stay in a list. */
export async function openTestService() {
  const store = await createTestDatabase('user');
  const database = openDatabase({ url: store.url, poolSize: 20 });
  const { db } = database;
  const schema = subgraphSchema(readSubgraphSdl('user'), resolvers);
  const logger = createLogger('user', { level: 'silent' });
  const secret = 'a secret that only this test knows';
  const keys = openSigningKeys({ db, secret, rotateAfterSeconds: 3_600, tokenLifeSeconds: TOKEN_LIFE_SECONDS });
  const issuer = 'https://souk.test';
  const issueTokens = createTokenIssuer({ keys, issuer, audience: 'souk', lifeSeconds: TOKEN_LIFE_SECONDS });
  const mails: Mail[] = [];
  const transport = { send: async (mail: Mail) => void mails.push(mail), close() {} };
  const mailer = createMailer({ db, transport, storefrontUrl: 'https://shop.test', logger });

  async function answer(
    caller: Caller,
    source: string,
    variableValues: Record<string, unknown>,
    { clientIp, custody }: { clientIp: string; custody?: TokenCustody | undefined },
  ) {
    const request = {
      caller,
      viewer: caller.viewer,
      requestId: 'test',
      clientIp,
      clientAgent: 'Test/1.0',
      custody,
      log: logger,
    };
    const contextValue = createContext(request, { db, issueTokens, keys, tokenLifeSeconds: TOKEN_LIFE_SECONDS });
    const asTravelled = (value: unknown) => JSON.parse(JSON.stringify(value ?? null));
    const answered = await graphql({ schema, source, variableValues: asTravelled(variableValues), contextValue });
    return { data: asTravelled(answered.data), errors: answered.errors ?? [] };
  }

  /** Asks as the gateway would for whoever holds this access token; for a guest without one. */
  const ask = (
    accessToken: string | null,
    source: string,
    variables = {},
    { clientIp = '198.51.100.7', custody }: { clientIp?: string; custody?: TokenCustody } = {},
  ) => {
    const caller: Caller = { service: 'gateway', viewer: accessToken ? viewerOf(accessToken) : null };
    return answer(caller, source, variables, { clientIp, custody });
  };

  let people = 0;

  return {
    db,
    keys,
    mails,
    mailer,
    ask,

    /** Asks as another service. */
    askAsOrder: (source: string, variables = {}) =>
      answer({ service: 'order', viewer: null }, source, variables, { clientIp: '127.0.0.1' }),

    /** Asks as the gateway does for itself, without a client. */
    askAsGateway: (source: string, variables = {}) =>
      answer({ service: 'gateway', viewer: null, forItself: true }, source, variables, { clientIp: '127.0.0.1' }),

    /** Signs somebody up; with roles, as if staff had given them and the person had signed in again. */
    async newPerson(...roles: StaffRole[]): Promise<Person> {
      people += 1;
      const email = `Person.${people}@Example.com`;
      const source = `mutation ($input: SignUpInput!) {
        signUp(input: $input) { user { id } tokens { accessToken refreshToken } userErrors { code message } }
      }`;
      const { data } = await ask(null, source, {
        input: { email, password: PASSWORD, displayName: `Person ${people}` },
      });
      const { user, tokens } = data.signUp;
      if (roles.length === 0) return { id: user.id, email, ...tokens };
      await db.insert(staffRoles).values(roles.map((role) => ({ userId: user.id, role })));
      return { id: user.id, email, ...(await this.signIn(email)).tokens };
    },

    /** What `signIn` answers. */
    async signIn(email: string, password = PASSWORD, { clientIp = '198.51.100.7' } = {}) {
      const source = `mutation ($input: SignInInput!) {
        signIn(input: $input) { user { id } tokens { accessToken refreshToken } userErrors { code retryAfterMs } }
      }`;
      const { data } = await ask(null, source, { input: { email, password } }, { clientIp });
      return data.signIn;
    },

    /** What `tokenRefresh` answers. */
    async refresh(refreshToken: string) {
      const source = `mutation ($input: TokenRefreshInput!) {
        tokenRefresh(input: $input) { tokens { accessToken refreshToken } userErrors { code } }
      }`;
      return (await ask(null, source, { input: { refreshToken } })).data.tokenRefresh;
    },

    /** The token in the newest mail to this address, once it is sent. */
    async tokenMailedTo(email: string): Promise<string> {
      await mailer.drain();
      const mail = mails.findLast(({ to, text }) => to === email && text.includes('token='));
      return /token=([\w-]{43})/.exec(mail?.text ?? '')?.[1] ?? '';
    },

    async row(userId: string) {
      const [row] = await db.select().from(users).where(eq(users.id, userId));
      if (!row) throw new Error(`Expected the user ${userId}.`);
      return row;
    },

    /** How many SQL statements something takes. */
    async statementsOf(work: () => Promise<unknown>): Promise<number> {
      const before = await statementCount();
      await work();
      return (await statementCount()) - before;
    },

    async close() {
      await mailer.close();
      await database.close();
      await store.drop();
    },
  };
}

export interface Person {
  id: string;
  email: string;
  accessToken: string;
  refreshToken: string;
}

function viewerOf(accessToken: string) {
  const { sub, sid, roles, scope } = decodeJwt<{ sid: string; roles: string[]; scope: string }>(accessToken);
  return { userId: sub ?? '', sessionId: sid, roles, scopes: new Set(scope.split(' ').filter(Boolean)) };
}

async function statementCount(): Promise<number> {
  const metric = await register.getSingleMetric('souk_sql_statements_total')?.get();
  return metric?.values[0]?.value ?? 0;
}
