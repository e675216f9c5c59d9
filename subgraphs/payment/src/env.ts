import { EnvironmentError, flag, readEnvironment, text, url } from '@souk/platform/env';
import { subgraphEnvironment } from '@souk/platform/service';

export function readEnv(source: Record<string, string | undefined> = process.env) {
  const { TEST_CARD_ENABLED, TEST_PROVIDER_URL, TEST_PROVIDER_SECRET, ...env } = readEnvironment(
    {
      ...subgraphEnvironment,
      ORDER_URL: url(['http:', 'https:'], 'http://localhost:4004/graphql'),
      /** Cards for trying out. On unless in production, which has to ask for them. */
      TEST_CARD_ENABLED: flag().optional(),
      TEST_PROVIDER_URL: url(['http:', 'https:'], 'http://localhost:4006').optional(),
      TEST_PROVIDER_SECRET: text(
        'The secret shared with the provider of test cards; while it changes: new,old.',
      ).optional(),
    },
    source,
  );
  if (!(TEST_CARD_ENABLED ?? env.NODE_ENV !== 'production')) return { ...env, testCard: null };

  const [secret, ...olderSecrets] = (TEST_PROVIDER_SECRET ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
  if (!TEST_PROVIDER_URL || !secret) {
    const needed = 'is needed while test cards are offered. Set it, or set TEST_CARD_ENABLED=false.';
    throw new EnvironmentError({
      ...(TEST_PROVIDER_URL ? {} : { TEST_PROVIDER_URL: needed }),
      ...(secret ? {} : { TEST_PROVIDER_SECRET: needed }),
    });
  }
  const secrets: [string, ...string[]] = [secret, ...olderSecrets];
  return { ...env, testCard: { url: TEST_PROVIDER_URL, secrets } };
}
