import { EnvironmentError, flag, readEnvironment, text, url, urls } from '@souk/platform/env';
import { subgraphEnvironment } from '@souk/platform/service';
import { readRsaKey } from './providers/rsa-key.ts';

/** A provider is offered when it is configured: then all of its settings have to be there. */
export function readEnv(source: Record<string, string | undefined> = process.env) {
  const env = readSettings(source);
  const faults: Faults = {};
  const offered = { testCard: testCardIn(env, faults), stripe: stripeIn(env, faults), alipay: alipayIn(env, faults) };
  if (Object.keys(faults).length > 0) throw new EnvironmentError(faults);
  return { ...env, ...offered };
}

function readSettings(source: Record<string, string | undefined>) {
  return readEnvironment(
    {
      ...subgraphEnvironment,
      /** Where the order subgraph answers: one address or several. */
      ORDER_URL: urls('http://localhost:4004/graphql'),
      /** Cards for trying out. On unless in production, which has to ask for them. */
      TEST_CARD_ENABLED: flag().optional(),
      TEST_PROVIDER_URL: url(['http:', 'https:'], 'http://localhost:4006').optional(),
      TEST_PROVIDER_SECRET: text(
        'The secret shared with the provider of test cards; while it changes: new,old.',
      ).optional(),
      STRIPE_SECRET_KEY: text('The secret key of a Stripe account, sk_….').optional(),
      STRIPE_PUBLISHABLE_KEY: text('The publishable key of the same account, pk_….').optional(),
      STRIPE_WEBHOOK_SECRET: text('The secret of the webhook endpoint, whsec_…; while it changes: new,old.').optional(),
      /** Another address than Stripe's own, for a stand-in. */
      STRIPE_API_BASE: url(['http:', 'https:'], 'https://api.stripe.com').optional(),
      ALIPAY_APP_ID: text('The number of an Alipay app.').optional(),
      ALIPAY_PRIVATE_KEY: text('The RSA key of the app, in PEM or its base64.').optional(),
      ALIPAY_PUBLIC_KEY: text('The RSA key with which Alipay signs for this app, in PEM or its base64.').optional(),
      /** The account that the money goes to, 2088…. A notification about another one is refused. */
      ALIPAY_SELLER_ID: text('The account that the money goes to.').optional(),
      /** Where Alipay reaches our webhooks from outside. */
      ALIPAY_NOTIFY_URL: url(['http:', 'https:'], 'https://pay.example.com/webhooks/alipay').optional(),
      /** Another gateway than Alipay's own: its sandbox, or a stand-in. */
      ALIPAY_GATEWAY: url(['http:', 'https:'], 'https://openapi.alipay.com/gateway.do').optional(),
    },
    source,
  );
}

type Settings = ReturnType<typeof readSettings>;
type Faults = Record<string, string>;

function testCardIn(env: Settings, faults: Faults) {
  if (!(env.TEST_CARD_ENABLED ?? env.NODE_ENV !== 'production')) return null;
  const why = 'is needed while test cards are offered. Set it, or set TEST_CARD_ENABLED=false.';
  const settings = needed(env, ['TEST_PROVIDER_URL', 'TEST_PROVIDER_SECRET'], faults, why);
  return { url: settings.TEST_PROVIDER_URL, secrets: newestFirst(settings.TEST_PROVIDER_SECRET) };
}

function stripeIn(env: Settings, faults: Faults) {
  if (!env.STRIPE_SECRET_KEY) return null;
  const why = 'is needed to pay by Stripe. Set it, or remove STRIPE_SECRET_KEY.';
  const settings = needed(env, ['STRIPE_PUBLISHABLE_KEY', 'STRIPE_WEBHOOK_SECRET'], faults, why);
  return {
    secretKey: env.STRIPE_SECRET_KEY,
    publishableKey: settings.STRIPE_PUBLISHABLE_KEY,
    webhookSecrets: newestFirst(settings.STRIPE_WEBHOOK_SECRET),
    apiBase: env.STRIPE_API_BASE,
  };
}

function alipayIn(env: Settings, faults: Faults) {
  if (!env.ALIPAY_APP_ID) return null;
  const names = ['ALIPAY_PRIVATE_KEY', 'ALIPAY_PUBLIC_KEY', 'ALIPAY_SELLER_ID', 'ALIPAY_NOTIFY_URL'] as const;
  const settings = needed(env, names, faults, 'is needed to pay by Alipay. Set it, or remove ALIPAY_APP_ID.');
  const privateKey = readRsaKey('private', settings.ALIPAY_PRIVATE_KEY);
  const publicKey = readRsaKey('public', settings.ALIPAY_PUBLIC_KEY);
  const noKey = 'is not valid. Expected an RSA key of 2048 bits or more, in PEM or its base64.';
  if (!privateKey) faults['ALIPAY_PRIVATE_KEY'] ??= noKey;
  if (!publicKey) faults['ALIPAY_PUBLIC_KEY'] ??= noKey;
  return {
    appId: env.ALIPAY_APP_ID,
    privateKey: privateKey ?? '',
    publicKey: publicKey ?? '',
    sellerId: settings.ALIPAY_SELLER_ID,
    notifyUrl: settings.ALIPAY_NOTIFY_URL,
    gateway: env.ALIPAY_GATEWAY,
  };
}

/** Values that have to be there; one that is not is a fault. */
function needed<Name extends Exclude<keyof Settings, 'PORT'>>(
  env: Pick<Settings, Name>,
  names: readonly Name[],
  faults: Faults,
  why: string,
): Record<Name, string> {
  const values = names.map((name) => {
    const value = String(env[name] ?? '');
    // A list of nothing is nothing, too: no secret may ever be empty.
    if (/^[\s,]*$/.test(value)) faults[name] = why;
    return [name, value];
  });
  return Object.fromEntries(values);
}

/** Several secrets, so that a new one can be introduced while the one before is in use. */
function newestFirst(value: string): [string, ...string[]] {
  const [first = '', ...older] = value
    .split(',')
    .map((secret) => secret.trim())
    .filter(Boolean);
  return [first, ...older];
}
