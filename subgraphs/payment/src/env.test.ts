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
