import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readSchemaEnvironment } from '../env.ts';
import { exitCodes, Problem } from '../problem.ts';
import { cacheFolder } from '../schema-folder.ts';
import { announceOnRedis, tellNobody } from './announce.ts';
import { printUsage, readCommand, wrongUsage } from './command-options.ts';
import { openRegistry } from './open-registry.ts';
import { type RegistryToken, registryServer } from './server.ts';

const usage = `Serves the registry over HTTP, so that the pipelines of subgraphs and clients can check, publish and register by themselves.

Usage: souk-schema serve --tokens <file> [--port <number>] [--host <address>] [--registry <address>]
       souk-schema serve --new-token

The file holds who may call, with the SHA-256 of each token:
  [{ "name": "order-pipeline", "sha256": "…", "may": "publish", "subgraphs": ["order"] },
   { "name": "gateways", "sha256": "…", "may": "record" },
   { "name": "anybody-on-staff", "sha256": "…", "may": "read" }]
"subgraphs": ["*"] publishes them all. --new-token prints a token and its hash. It speaks HTTP: put TLS in front of it.
`;

/** `souk-schema serve`. @returns the exit code, once it was told to stop */
export async function serveCommand(given: string[]): Promise<number> {
  const { values } = readCommand(given, usage, {
    tokens: { type: 'string' },
    port: { type: 'string', default: '4400' },
    host: { type: 'string', default: '127.0.0.1' },
    'new-token': { type: 'boolean' },
  });
  if (values.help) return printUsage(usage);
  if (values['new-token']) return printToken();
  if (!values.tokens) throw wrongUsage('Expected --tokens to name the file that says who may call.', usage);
  const tokens = readTokens(values.tokens);
  const registry = await openRegistry(values.registry);
  const { redisUrl } = readSchemaEnvironment();
  const warn = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  const server = registryServer({
    registry,
    tokens,
    announce: redisUrl ? announceOnRedis(redisUrl, warn) : tellNobody,
    cacheFolder: cacheFolder(),
    onFailure: (error) => warn((error as Error).stack ?? String(error)),
  });
  const address = await server.listen({ port: Number(values.port), host: values.host }).catch((error: Error) => {
    throw new Problem('unavailable', `Cannot listen on ${values.host}:${values.port}: ${error.message}`, {
      cause: error,
    });
  });
  process.stdout.write(`The registry is at ${address}.\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await server.close();
  await registry.close();
  return exitCodes.ok;
}

function printToken(): number {
  const token = `souk_${randomBytes(32).toString('base64url')}`;
  const hash = createHash('sha256').update(token).digest('hex');
  process.stdout.write(`token   ${token}\nsha256  ${hash}\n`);
  return exitCodes.ok;
}

const tokenList = z.array(
  z.strictObject({
    name: z.string().min(1).max(191),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, 'Expected the SHA-256 of the token, 64 hexadecimal digits.'),
    may: z.enum(['read', 'record', 'publish']),
    subgraphs: z.array(z.string()).optional(),
  }),
);

function readTokens(file: string): RegistryToken[] {
  try {
    const { data, error } = tokenList.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (data) return data;
    throw new Error(z.prettifyError(error));
  } catch (error) {
    throw new Problem('usage', `${file} does not say who may call: ${(error as Error).message}`, { cause: error });
  }
}
