import { durationMs, flag, integer, json, readEnvironment, text, url } from '@souk/platform/env';
import { serviceEnvironment } from '@souk/platform/service';
import { z } from 'zod';

export type Environment = ReturnType<typeof readEnv>;

/** What the gateway reads from its environment; every fault is reported at once. */
export const readEnv = () =>
  readEnvironment(
    {
      ...serviceEnvironment,
      /** Where the metrics are, on a port that is not public. None when it is missing. */
      INTERNAL_PORT: integer(1, 65_535).optional(),
      /** GraphQL endpoint of each subgraph by its name in the supergraph. */
      SUBGRAPH_URLS: json(
        z.record(z.string(), z.url()),
        'Expected the GraphQL endpoint of each subgraph, such as {"user":"http://localhost:4001/graphql",…}.',
      ),
      /** Composed supergraphs, watched for changes: what everybody sees, and what staff see. */
      SUPERGRAPH_STOREFRONT_FILE: text('The storefront supergraph, as composed.').default(schemaFile('storefront')),
      SUPERGRAPH_ADMIN_FILE: text('The whole supergraph, as composed.').default(schemaFile('admin')),
      /** Where the keys of access tokens are published (RFC 7517). */
      JWKS_URL: url(['http:', 'https:'], 'http://localhost:4001/.well-known/jwks.json'),
      TOKEN_ISSUER: text('Who issues access tokens.').default('https://souk.local'),
      TOKEN_AUDIENCE: text('Whom access tokens are for.').default('souk'),
      /** How long a query to one subgraph may take. */
      QUERY_TIMEOUT: durationMs().default(2_000),
      /** A mutation may have to ask other subgraphs or a payment provider, each with a limit of its own. */
      MUTATION_TIMEOUT: durationMs().default(10_000),
      /** How many proxies in front of the gateway may name the client's address in X-Forwarded-For. */
      TRUSTED_PROXY_HOPS: integer(0, 10).default(0),
      /** Browser origins that may call the API, comma-separated; `*` for any. Development allows any. */
      CORS_ORIGINS: text('Origins, comma-separated.').optional(),
      /** Whether the schema may be asked for. Default: outside production only. */
      INTROSPECTION: flag().optional(),
    },
    process.env,
  );

function schemaFile(contract: 'storefront' | 'admin'): string {
  return new URL(`../../schema/gateway/${contract}.graphql`, import.meta.url).pathname;
}
