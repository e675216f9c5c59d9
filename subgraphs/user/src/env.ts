import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { durationMs, EnvironmentError, readEnvironment, text, url } from '@souk/platform/env';
import { subgraphEnvironment } from '@souk/platform/service';

export type Environment = ReturnType<typeof readEnv>;

const LONGEST_ACCESS_TOKEN_TTL_MS = 5 * 60_000;

/** What the user subgraph reads from its environment; every fault is reported at once. */
export const readEnv = () => {
  const env = readEnvironment(
    {
      ...subgraphEnvironment,
      /** Who issues access tokens, and whom they are for; the gateway is told the same. */
      TOKEN_ISSUER: text('Who issues access tokens.').default('https://souk.local'),
      TOKEN_AUDIENCE: text('Whom access tokens are for.').default('souk'),
      ACCESS_TOKEN_TTL: durationMs()
        .refine((ms) => ms >= 1_000 && ms <= LONGEST_ACCESS_TOKEN_TTL_MS, 'Expected a duration from 1s to 5m.')
        .default(LONGEST_ACCESS_TOKEN_TTL_MS),
      /** What the private halves of signing keys are sealed with in the database. */
      KEY_ENCRYPTION_SECRET: text('Expected a random secret of at least 32 characters.').min(
        32,
        'Expected a random secret of at least 32 characters.',
      ),
      /** How long a key signs access tokens before the next one takes over. */
      KEY_ROTATION: durationMs().default(30 * 86_400_000),
      /** Where links in mails lead. */
      STOREFRONT_URL: url(['http:', 'https:'], 'http://localhost:3000').default('http://localhost:3000'),
      /** The mail server. Without one, mails are written to MAIL_OUTBOX_FILE. */
      SMTP_URL: url(['smtp:', 'smtps:'], 'smtps://user:secret@mail.example.com').optional(),
      MAIL_FROM: text('The sender of mails.').default('Souk <no-reply@souk.local>'),
      MAIL_OUTBOX_FILE: text('A file for mails in development.').default(join(tmpdir(), 'souk-mail.jsonl')),
    },
    process.env,
  );
  if (env.NODE_ENV === 'production' && !env.SMTP_URL && !process.env['MAIL_OUTBOX_FILE']) {
    throw new EnvironmentError({
      SMTP_URL: 'is missing. Production needs a mail server, such as smtps://user:secret@mail.example.com.',
    });
  }
  return env;
};
