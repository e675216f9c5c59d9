import type { SubgraphParts } from '@souk/platform/subgraph';
import type { SubgraphRequest } from '@souk/platform/subgraph-server';
import { KEYS_MAX_AGE_SECONDS, type SigningKeys } from './keys.ts';
import { readOutboxFile } from './mail-transport.ts';

type Routes = NonNullable<SubgraphParts<SubgraphRequest>['routes']>;

/** What is served beside GraphQL: the public keys of access tokens, to everybody; in development, the mails nobody receives. */
export function createRoutes({ keys, outboxFile }: { keys: SigningKeys; outboxFile: string | null }): Routes {
  return (app) => {
    app.get('/.well-known/jwks.json', async (_request, reply) =>
      reply.header('cache-control', `public, max-age=${KEYS_MAX_AGE_SECONDS}`).send(await keys.publicKeys()),
    );
    if (outboxFile) app.get('/dev/mail', async () => readOutboxFile(outboxFile));
  };
}
