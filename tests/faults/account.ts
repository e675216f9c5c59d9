import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { DEMO_PASSWORD, demoAccounts } from '@souk/dev/demo-accounts';
import { PASSWORD } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { type Client, type Reply, untilKnown } from './client.ts';

/** Somebody with an account and a session that lasts, whatever breaks. */
export interface Account {
  userId: string;
  /** An access token that has some life left. */
  token(): Promise<string>;
  /** Exchanges the tokens, or signs in anew where that is refused. */
  renew(): Promise<void>;
  /** Signs in anew; a guest's cart may come along. */
  signIn(cartId?: string): Promise<void>;
}

const ShopperSignsUp = graphql(`
  mutation ShopperSignsUp($input: SignUpInput!) {
    signUp(input: $input) { user { id } tokens { accessToken refreshToken } userErrors { code } }
  }
`);

const ShopperSignsIn = graphql(`
  mutation ShopperSignsIn($input: SignInInput!) {
    signIn(input: $input) { user { id } tokens { accessToken refreshToken } userErrors { code retryAfterMs } }
  }
`);

const ShopperRefreshes = graphql(`
  mutation ShopperRefreshes($input: TokenRefreshInput!) {
    tokenRefresh(input: $input) { tokens { accessToken refreshToken } userErrors { code } }
  }
`);

const PATIENCE_MS = 60_000;
/** Access tokens last five minutes. */
const TOKEN_LIFE_MS = 240_000;
/** For so long after its first use, a refresh token gives the same successor; some of it goes by on the way. */
const GRACE_MS = 9_000;

/** Makes an account. */
export async function newAccount(client: Client): Promise<Account> {
  const email = `shopper-${randomUUID()}@test.example`;
  const input = { email, password: PASSWORD, displayName: 'Shopper' };
  await known(() => client.send(ShopperSignsUp, { input }));
  // Whether this request made it or an earlier one whose answer was lost: now it is there.
  return openAccount(client, email, PASSWORD);
}

/** The account of a member of staff who may do everything. */
export function staffAccount(client: Client): Promise<Account> {
  const admin = demoAccounts.find(({ role }) => role === 'ADMIN');
  if (!admin) throw new Error('Expected a demo account that may do everything.');
  return openAccount(client, admin.email, DEMO_PASSWORD);
}

async function openAccount(client: Client, email: string, password: string): Promise<Account> {
  let session = await enter();
  let renewing: Promise<void> | undefined;

  async function enter(cartId?: string) {
    const input = { email, password, ...(cartId ? { cartId } : {}) };
    for (;;) {
      const { signIn } = await known(() => client.send(ShopperSignsIn, { input }));
      if (signIn?.user && signIn.tokens) return { userId: signIn.user.id, ...signIn.tokens, since: Date.now() };
      const [refusal] = signIn?.userErrors ?? [];
      if (refusal?.code !== 'RATE_LIMITED') throw new Error(`Expected to sign in, got ${JSON.stringify(signIn)}.`);
      // Attempts whose answers were lost look like guesses of the password.
      await delay(refusal.retryAfterMs ?? 0);
    }
  }

  async function exchange(): Promise<void> {
    const { refreshToken } = session;
    const startedAt = Date.now();
    const { tokenRefresh } = await known(() => client.send(ShopperRefreshes, { input: { refreshToken } }));
    if (tokenRefresh?.tokens) {
      session = { ...session, ...tokenRefresh.tokens, since: Date.now() };
      return;
    }
    // Within the time of grace an answer that was lost is given again; only later may it look like a theft.
    if (Date.now() - startedAt < GRACE_MS)
      throw new Error(`Expected new tokens, got ${JSON.stringify(tokenRefresh?.userErrors)}.`);
    session = await enter();
  }

  function renew(): Promise<void> {
    renewing ??= exchange().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  return {
    userId: session.userId,
    async token() {
      if (renewing || Date.now() - session.since > TOKEN_LIFE_MS) await renew();
      return session.accessToken;
    },
    renew,
    async signIn(cartId) {
      session = await enter(cartId);
    },
  };
}

function known<Data>(ask: () => Promise<Reply<Data>>): Promise<Data> {
  return untilKnown(ask, { patienceMs: PATIENCE_MS });
}
