import { durationMs, oneOf, port, readEnvironment, text, url } from '@souk/platform/env';

/** What the provider of test cards is told. It shares nothing with the shop but the secret. */
export const readEnv = () =>
  readEnvironment(
    {
      LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
      HOST: text('The address to listen on, for example 0.0.0.0.').default('127.0.0.1'),
      PORT: port(),
      TEST_PROVIDER_LOG: text('The file that every charge and refund is written to.'),
      TEST_PROVIDER_SECRET: text('The secret shared with the payment service: bearer token and signature of webhooks.'),
      WEBHOOK_URL: url(['http:', 'https:'], 'http://localhost:4005/webhooks/test-card'),
      /** How long a card with delayed approval takes. */
      APPROVAL_DELAY: durationMs().default(2_000),
      /** How long the card takes that is approved when everybody has given up: longer than an order waits for payment. */
      LATE_APPROVAL: durationMs().default(900_000),
      DRAIN_TIMEOUT: durationMs().default(5_000),
    },
    process.env,
  );
