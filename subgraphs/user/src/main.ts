import { runSubgraph } from '@souk/platform/subgraph';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { createAccessPublisher } from './access-snapshot.ts';
import { createTokenIssuer } from './access-token.ts';
import { createContext } from './context.ts';
import { readEnv } from './env.ts';
import { events } from './events.ts';
import { openSigningKeys } from './keys.ts';
import { fileTransport, smtpTransport } from './mail-transport.ts';
import { createMailer } from './mailer.ts';
import { resolvers } from './resolvers.ts';
import { createRoutes } from './routes.ts';
import { createSweeps } from './sweeps.ts';

const env = readEnv();
const tokenLifeSeconds = Math.floor(env.ACCESS_TOKEN_TTL / 1000);

await runSubgraph({
  name: 'user',
  env,
  typeDefs: readSubgraphSdl('user'),
  parts: ({ db, redis, logger }) => {
    const { KEY_ENCRYPTION_SECRET: secret, TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: audience } = env;
    const keys = openSigningKeys({ db, secret, rotateAfterSeconds: env.KEY_ROTATION / 1000, tokenLifeSeconds });
    const issueTokens = createTokenIssuer({ keys, issuer, audience, lifeSeconds: tokenLifeSeconds });
    const publisher = createAccessPublisher({ db, redis, logger, tokenLifeSeconds });
    const transport = env.SMTP_URL
      ? smtpTransport({ url: env.SMTP_URL, from: env.MAIL_FROM })
      : fileTransport({ file: env.MAIL_OUTBOX_FILE, logger });
    if (env.NODE_ENV === 'production' && !env.SMTP_URL) logger.warn('there is no mail server: nobody receives mails');
    const mailer = createMailer({ db, transport, storefrontUrl: env.STOREFRONT_URL, logger });
    const outboxFile = env.NODE_ENV === 'development' && !env.SMTP_URL ? env.MAIL_OUTBOX_FILE : null;
    return {
      resolvers,
      createContext: (request) => createContext(request, { db, issueTokens, keys, tokenLifeSeconds }),
      routes: createRoutes({ keys, outboxFile }),
      events,
      sweeps: [publisher.sweep, mailer.sweep, ...createSweeps({ db, keys })],
      close: [mailer.close, publisher.close],
    };
  },
});
