import { durationMs, flag, integer, json, oneOf, readEnvironment, text, url } from '@souk/platform/env';
import { serviceEnvironment } from '@souk/platform/service';
import { z } from 'zod';
import { type DocumentLimits, defaultDocumentLimits } from './document-guard.ts';
import { safelistModes } from './safelist.ts';

export type Environment = ReturnType<typeof readEnv>;

/** What the gateway reads from its environment; every fault is reported at once. */
export const readEnv = () =>
  readEnvironment(
    {
      ...serviceEnvironment,
      /** Where the metrics and the board of jobs are, on a port that is not public. None when it is missing. */
      INTERNAL_PORT: integer(1, 65_535).optional(),
      /** GraphQL endpoints of each subgraph by its name in the supergraph: one, or a list. A host name stands for every address that DNS has for it. */
      SUBGRAPH_URLS: json(
        z.record(z.string(), endpoints()),
        'Expected the GraphQL endpoint of each subgraph, or a list of them, such as {"user":"http://localhost:4001/graphql",…}.',
      ),
      /** Composed supergraphs, watched for changes: what everybody sees, and what staff see. */
      SUPERGRAPH_STOREFRONT_FILE: text('The storefront supergraph, as composed.').default(
        schemaFile('gateway/storefront.graphql'),
      ),
      SUPERGRAPH_ADMIN_FILE: text('The whole supergraph, as composed.').default(schemaFile('gateway/admin.graphql')),
      /** Where the keys of access tokens are published (RFC 7517). */
      JWKS_URL: url(['http:', 'https:'], 'http://localhost:4001/.well-known/jwks.json'),
      TOKEN_ISSUER: text('Who issues access tokens.').default('https://souk.local'),
      TOKEN_AUDIENCE: text('Whom access tokens are for.').default('souk'),
      /** How long a query to one subgraph may take. */
      QUERY_TIMEOUT: durationMs().default(2_000),
      /** A mutation may have to ask other subgraphs or a payment provider, each with a limit of its own. */
      MUTATION_TIMEOUT: durationMs().default(10_000),
      /** Limits of the document guard that are not to be its defaults. */
      DOCUMENT_LIMITS: json(
        z.partialRecord(
          z.enum(Object.keys(defaultDocumentLimits) as (keyof DocumentLimits)[]),
          z.int().min(1).max(5_000),
        ),
        'Expected limits from 1 to 5000 by their names, such as {"depth":15,"tokens":2000}.',
      ).default({}),
      /** What an operation may be estimated to cost. */
      STOREFRONT_COST_BUDGET: integer(1, 1_000_000).default(5_000),
      ADMIN_COST_BUDGET: integer(1, 1_000_000).default(20_000),
      /** What becomes of operations that are not registered. */
      STOREFRONT_SAFELIST: oneOf(safelistModes).default('off'),
      ADMIN_SAFELIST: oneOf(safelistModes).default('off'),
      /** Manifests of registered operations, watched for changes. */
      STOREFRONT_MANIFEST_FILE: text('A manifest of registered operations.').default(
        schemaFile('manifests/storefront.json'),
      ),
      ADMIN_MANIFEST_FILE: text('A manifest of registered operations.').default(schemaFile('manifests/admin.json')),
      /** How many gateways there are at least. They count one another through Redis; this holds until they have, and while Redis is away from the start. */
      GATEWAY_INSTANCES: integer(1, 1_000).default(1),
      /** How many proxies in front of the gateway may name the client's address in X-Forwarded-For. */
      TRUSTED_PROXY_HOPS: integer(0, 10).default(0),
      /** Browser origins that may call the API, comma-separated; `*` for any, but not with cookies. Development allows any, and cookies on this machine. */
      CORS_ORIGINS: origins().optional(),
      /** Whether the schema may be asked for. Default: outside production only. */
      INTROSPECTION: flag().optional(),
    },
    process.env,
  );

function endpoints() {
  const endpoint = z.url({ protocol: /^https?$/ });
  return z.union([endpoint.transform((one) => [one]), z.array(endpoint).min(1)]);
}

function origins() {
  const expected = 'Expected origins, comma-separated, such as https://shop.example,https://admin.shop.example; or *.';
  const isOrigin = (text: string) => text === '*' || (URL.canParse(text) && new URL(text).origin === text);
  return text(expected)
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .refine((list) => list.every(isOrigin), expected);
}

function schemaFile(file: string): string {
  return new URL(`../../schema/${file}`, import.meta.url).pathname;
}
