import { availableParallelism } from 'node:os';
import { durationMs, flag, integer, json, oneOf, readEnvironment, text, urls } from '@souk/platform/env';
import { serviceEnvironment } from '@souk/platform/service';
import { stages } from '@souk/schema/registry/registry';
import { z } from 'zod';
import { type DocumentLimits, defaultDocumentLimits } from './document-guard.ts';
import { safelistModes } from './safelist.ts';
import { defaultSubscriptionLimits, type SubscriptionLimits } from './subscriptions/subscription-limits.ts';

export type Environment = ReturnType<typeof readEnv>;

/** What the gateway reads from its environment; every fault is reported at once. */
export const readEnv = () =>
  readEnvironment(
    {
      ...serviceEnvironment,
      /** How many processes share the port, so that the gateway uses so many cores: a number, or `auto` for one for each core. */
      GATEWAY_PROCESSES: processCount().default(1),
      /** Where the metrics and the board of jobs are, on a port that is not public. None when it is missing. */
      INTERNAL_PORT: integer(1, 65_535).optional(),
      /** GraphQL endpoints of each subgraph by its name in the supergraph: one, or a list. A host name stands for every address that DNS has for it. */
      SUBGRAPH_URLS: json(
        z.record(z.string(), endpoints()),
        'Expected the GraphQL endpoint of each subgraph, or a list of them, such as {"user":"http://localhost:4001/graphql",…}.',
      ),
      /** The registry of schemas, which supergraphs are taken from and usage is told to, as its commands take it: a folder, mysql://… or https://…, and for that a token. */
      SOUK_REGISTRY: text(
        'A folder, mysql://account:password@host/souk_registry, or https://registry.example.',
      ).optional(),
      SOUK_REGISTRY_TOKEN: text('A token of the registry.').optional(),
      /** Which publications are served. */
      SCHEMA_STAGE: oneOf(stages).default('production'),
      /** How often the registry is looked at when Redis announces nothing. */
      SCHEMA_LOOK_EVERY: durationMs().default(5_000),
      /** Where the supergraphs that were served last are kept, for a start while the registry is away. Nobody else may write there. */
      LAST_KNOWN_SCHEMA_FOLDER: text('A folder of this gateway.').default(
        new URL('../../.souk/last-known-schema', import.meta.url).pathname,
      ),
      /** Composed supergraphs: what everybody sees, and what staff see. Without a registry they are served, and watched for changes; with one, only until it has any. */
      SUPERGRAPH_STOREFRONT_FILE: text('The storefront supergraph, as composed.').default(
        schemaFile('gateway/storefront.graphql'),
      ),
      SUPERGRAPH_ADMIN_FILE: text('The whole supergraph, as composed.').default(schemaFile('gateway/admin.graphql')),
      /** Where the keys of access tokens are published (RFC 7517): one address or several. */
      JWKS_URL: urls('http://localhost:4001/.well-known/jwks.json'),
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
      /** Limits of subscriptions that are not to be their defaults. */
      SUBSCRIPTION_LIMITS: json(
        z.partialRecord(
          z.enum(Object.keys(defaultSubscriptionLimits) as (keyof SubscriptionLimits)[]),
          z.int().min(1).max(1_000_000),
        ),
        'Expected limits of at least 1 by their names, such as {"connections":2000,"connectionsPerUser":10}.',
      ).default({}),
      /** What an operation may be estimated to cost. */
      STOREFRONT_COST_BUDGET: integer(1, 1_000_000).default(5_000),
      ADMIN_COST_BUDGET: integer(1, 1_000_000).default(20_000),
      /** Whether answers that are the same for everybody are kept, here and by whoever stands in front. */
      RESPONSE_CACHE: oneOf(['on', 'off']).default('on'),
      /** What becomes of operations that are not registered. */
      STOREFRONT_SAFELIST: oneOf(safelistModes).default('off'),
      ADMIN_SAFELIST: oneOf(safelistModes).default('off'),
      /** Manifests of registered operations, watched for changes. */
      STOREFRONT_MANIFEST_FILE: text('A manifest of registered operations.').default(
        schemaFile('manifests/storefront.json'),
      ),
      ADMIN_MANIFEST_FILE: text('A manifest of registered operations.').default(schemaFile('manifests/admin.json')),
      /** Whether the registry is told which client asks for what; its token has to allow that. */
      USAGE_RECORDING: oneOf(['on', 'off']).default('on'),
      /** How often. */
      USAGE_PERIOD: durationMs().default(60_000),
      /** How many gateways there are at least, each with GATEWAY_PROCESSES processes. They count one another through Redis; this holds until they have, and while Redis is away from the start. */
      GATEWAY_INSTANCES: integer(1, 1_000).default(1),
      /** How many proxies in front of the gateway may name the client's address in X-Forwarded-For. */
      TRUSTED_PROXY_HOPS: integer(0, 10).default(0),
      /** Browser origins that may call the API, comma-separated; `*` for any, but not with cookies. Development allows any, and cookies on this machine. */
      CORS_ORIGINS: origins().optional(),
      /** Whether operations run in their compiled form. Otherwise Apollo Gateway executes them, several times slower and with the same answers. */
      COMPILED_EXECUTION: flag().default(true),
      /** Whether known queries are answered past the pipeline of Apollo Server, several times faster and with the same answers. Compiled execution only. */
      SHORT_WAY: flag().default(true),
      /** Whether the schema may be asked for. Default: outside production only. */
      INTROSPECTION: flag().optional(),
    },
    process.env,
  );

function processCount() {
  const expected = 'Expected how many processes, from 1 to 64, or auto for one for each core.';
  return text(expected)
    .transform((count) => (count === 'auto' ? Math.min(availableParallelism(), 64) : Number(count)))
    .refine((count) => Number.isInteger(count) && count >= 1 && count <= 64, expected);
}

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
