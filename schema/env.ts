/** What commands of the schema may be told by the environment: secrets, above all, do not belong on a command line that others can see. */
export interface SchemaEnvironment {
  /** Where the registry is, see registry/open-registry.ts. */
  registry: string | undefined;
  /** What the HTTP API of a registry wants to see. */
  token: string | undefined;
  /** With what this caller proves to a subgraph who it is: an Ed25519 JWK as services have it. */
  servicePrivateKey: string | undefined;
  /** Who publishes, when no one is named. */
  author: string | undefined;
  /** Where publications are announced. */
  redisUrl: string | undefined;
}

export function readSchemaEnvironment(): SchemaEnvironment {
  const { env } = process;
  return {
    registry: env['SOUK_REGISTRY'] || undefined,
    token: env['SOUK_REGISTRY_TOKEN'] || undefined,
    servicePrivateKey: env['SERVICE_PRIVATE_KEY'] || undefined,
    author: env['SOUK_AUTHOR'] || env['GITHUB_ACTOR'] || env['USER'] || undefined,
    redisUrl: env['REDIS_URL'] || undefined,
  };
}
