import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { readEnv } from './env.ts';

const key = '{"kty":"OKP","kid":"payment"}';
const common = {
  PORT: '4005',
  REDIS_URL: 'redis://localhost',
  DATABASE_URL: 'mysql://localhost/souk_payment',
  SERVICE_PRIVATE_KEY: key,
  SERVICE_PUBLIC_KEYS: `{"keys":[${key}]}`,
  ORDER_URL: 'http://localhost:4004/graphql',
};
const testCards = { TEST_PROVIDER_URL: 'http://localhost:4006', TEST_PROVIDER_SECRET: 'new, old' };

it('offers test cards unless in production, which has to ask for them', () => {
  const offered = { url: 'http://localhost:4006', secrets: ['new', 'old'] };
  expect(readEnv({ ...common, ...testCards }).testCard).toEqual(offered);
  expect(readEnv({ ...common, ...testCards, NODE_ENV: 'production' }).testCard).toBeNull();
  const asked = { ...common, ...testCards, NODE_ENV: 'production', TEST_CARD_ENABLED: 'true' };
  expect(readEnv(asked).testCard).toEqual(offered);
});

it('needs to know the provider only while it is offered', () => {
  expect(() => readEnv(common)).toThrow(/2 faults.*TEST_PROVIDER_URL.*TEST_PROVIDER_SECRET/s);
  expect(readEnv({ ...common, TEST_CARD_ENABLED: 'false' }).testCard).toBeNull();
});

const app = generateKeyPairSync('rsa', { modulusLength: 2048 });
const alipay = {
  ALIPAY_APP_ID: '2021000122671080',
  ALIPAY_PRIVATE_KEY: app.privateKey.export({ format: 'der', type: 'pkcs1' }).toString('base64'),
  ALIPAY_PUBLIC_KEY: app.publicKey.export({ format: 'pem', type: 'spki' }).toString().replaceAll('\n', '\\n'),
  ALIPAY_SELLER_ID: '2088102146225135',
  ALIPAY_NOTIFY_URL: 'https://pay.example.com/webhooks/alipay',
};
const stripe = {
  STRIPE_SECRET_KEY: 'sk_test_1',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_1',
  STRIPE_WEBHOOK_SECRET: 'whsec_new,whsec_old',
};

it('offers Stripe and Alipay when they are configured, and not otherwise', () => {
  expect(readEnv({ ...common, ...testCards })).toMatchObject({ stripe: null, alipay: null });
  const { stripe: byStripe, alipay: byAlipay } = readEnv({ ...common, ...testCards, ...stripe, ...alipay });
  expect(byStripe).toEqual({
    secretKey: 'sk_test_1',
    publishableKey: 'pk_test_1',
    webhookSecrets: ['whsec_new', 'whsec_old'],
    apiBase: undefined,
  });
  expect(byAlipay).toMatchObject({ appId: '2021000122671080', sellerId: '2088102146225135' });
});

it('reads a key in each form that people have it in', () => {
  const { alipay: read } = readEnv({ ...common, ...testCards, ...alipay });
  expect(read?.privateKey).toBe(app.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'));
  const der = Buffer.from(read?.publicKey ?? '', 'base64');
  expect(createPublicKey({ key: der, format: 'der', type: 'spki' }).equals(app.publicKey)).toBe(true);
});

it('names every setting that a configured provider still needs', () => {
  const half = { STRIPE_SECRET_KEY: 'sk_test_1', ALIPAY_APP_ID: '1', ALIPAY_PRIVATE_KEY: 'hello' };
  expect(() => readEnv({ ...common, ...testCards, ...half })).toThrow(
    /6 faults.*STRIPE_PUBLISHABLE_KEY.*STRIPE_WEBHOOK_SECRET.*ALIPAY_PUBLIC_KEY.*ALIPAY_SELLER_ID.*ALIPAY_NOTIFY_URL.*ALIPAY_PRIVATE_KEY +is not valid/s,
  );
});

it('never takes an empty secret, which everybody could sign with', () => {
  expect(() => readEnv({ ...common, ...testCards, TEST_PROVIDER_SECRET: ' , ' })).toThrow(/TEST_PROVIDER_SECRET/);
  expect(() => readEnv({ ...common, ...testCards, ...stripe, STRIPE_WEBHOOK_SECRET: ',' })).toThrow(
    /STRIPE_WEBHOOK_SECRET/,
  );
});

it('refuses a key that is too short to trust', () => {
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
  expect(() => readEnv({ ...common, ...testCards, ...alipay, ALIPAY_PRIVATE_KEY: String(short) })).toThrow(
    /ALIPAY_PRIVATE_KEY/,
  );
});
