import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { approvalsIn } from '../check/approvals.ts';
import type { Graph, Report } from '../check/check.ts';
import { committedManifests, graphInFolder, withSubgraph } from '../check/graph-sources.ts';
import { prettyReport } from '../check/report/pretty.ts';
import { readSchemaEnvironment } from '../env.ts';
import { exitCodes, Problem } from '../problem.ts';
import { cacheFolder, schemaFolder } from '../schema-folder.ts';
import { announceOnRedis, tellNobody } from './announce.ts';
import { commonUsage, numberOf, printUsage, readCommand, stageOf, wrongUsage } from './command-options.ts';
import { openRegistry } from './open-registry.ts';
import { graphOf } from './published-graph.ts';
import { type PublishOptions, type PublishResult, promote, publish, rollback } from './publishing.ts';
import { NothingPublishedError, type Registry, type Stage, StalePublicationError } from './registry.ts';
import { callRegistry } from './remote-registry.ts';

const publishUsage = `Checks a graph against what is published, and puts it up in the registry unless the check refuses it.

Usage: souk-schema publish [options]

  --subgraph <name> --sdl <file>   one subgraph among the others that are published; without it, the working tree
  --folder <path>                  where the SDL is; schema/
  --author <name>                  who publishes; SOUK_AUTHOR, GITHUB_ACTOR or USER
  --reason <sentence>              why it is published although the check refuses it
${commonUsage}

SOUK_REGISTRY_TOKEN is what a registry over HTTP wants to see. REDIS_URL says where gateways listen for news.
Exit codes: 0 published or unchanged, 1 refused, or somebody else published meanwhile, 2 wrong usage, 3 the registry does not answer.
`;

/** `souk-schema publish`. @returns the exit code */
export async function publishCommand(given: string[]): Promise<number> {
  const { values } = readCommand(given, publishUsage, {
    subgraph: { type: 'string' },
    sdl: { type: 'string' },
    folder: { type: 'string' },
    author: { type: 'string' },
    reason: { type: 'string' },
  });
  if (values.help) return printUsage(publishUsage);
  if (Boolean(values.subgraph) !== Boolean(values.sdl))
    throw wrongUsage('Expected --subgraph with --sdl.', publishUsage);
  const stage = stageOf(values.stage, publishUsage);
  const folder = resolve(values.folder ?? schemaFolder());
  const address = remoteAddress(values.registry);
  const { subgraph, sdl, reason = null } = values;
  const part = sdl && subgraph ? { file: relative(process.cwd(), sdl), text: readSdl(sdl) } : null;
  if (address) {
    const change = part ? { subgraph, sdl: part.text } : { subgraphs: graphInFolder(folder).subgraphs };
    const result = await ask(address, `publications/${stage}`, { ...change, reason });
    if (!part && result.outcome !== 'refused') await registerCommitted(await openRegistry(address), folder, new Date());
    return told(stage, result);
  }
  return withRegistry(values.registry, values.author, reason, approvalsIn(folder), async (options) => {
    if (part && subgraph) {
      return told(stage, await publish(stage, await among(options.registry, stage, subgraph, part), options));
    }
    const result = await publish(stage, graphInFolder(folder), options);
    if (result.outcome !== 'refused') await registerCommitted(options.registry, folder, options.now);
    return told(stage, result);
  });
}

const promoteUsage = `Puts the graph of one stage up for another, checked against what that one's clients do.

Usage: souk-schema promote --from <stage> --to <stage> [--author <name>] [--reason <sentence>] [--registry <address>]
`;

/** `souk-schema promote`. @returns the exit code */
export async function promoteCommand(given: string[]): Promise<number> {
  const { values } = readCommand(given, promoteUsage, {
    from: { type: 'string' },
    to: { type: 'string' },
    author: { type: 'string' },
    reason: { type: 'string' },
  });
  if (values.help) return printUsage(promoteUsage);
  const [from, to] = [stageOf(values.from, promoteUsage), stageOf(values.to, promoteUsage)];
  if (from === to) throw wrongUsage('Expected --from and --to to be different stages.', promoteUsage);
  const { reason = null } = values;
  const address = remoteAddress(values.registry);
  if (address) return told(to, await ask(address, 'promotions', { from, to, reason }));
  return withRegistry(values.registry, values.author, reason, approvalsIn(schemaFolder()), async (options) =>
    told(to, await promote(from, to, options)),
  );
}

const rollbackUsage = `Puts an earlier graph up again, as a new publication. The check is recorded and refuses nothing.

Usage: souk-schema rollback --to <number> --reason <sentence> [--stage <name>] [--author <name>] [--registry <address>]
`;

/** `souk-schema rollback`. @returns the exit code */
export async function rollbackCommand(given: string[]): Promise<number> {
  const { values } = readCommand(given, rollbackUsage, {
    to: { type: 'string' },
    author: { type: 'string' },
    reason: { type: 'string' },
  });
  if (values.help) return printUsage(rollbackUsage);
  const { reason } = values;
  if (!reason) throw wrongUsage('Expected --reason: whoever reads the history wants to know.', rollbackUsage);
  const stage = stageOf(values.stage, rollbackUsage);
  const number = numberOf(values.to, rollbackUsage);
  const address = remoteAddress(values.registry);
  if (address) return told(stage, await ask(address, `rollbacks/${stage}`, { number, reason }));
  return withRegistry(values.registry, values.author, reason, [], async (options) =>
    told(stage, await rollback(stage, number, { ...options, reason })),
  );
}

async function withRegistry(
  address: string | undefined,
  author: string | undefined,
  reason: string | null,
  approvals: PublishOptions['approvals'],
  work: (options: PublishOptions) => Promise<number>,
): Promise<number> {
  const registry = await openRegistry(address);
  const environment = readSchemaEnvironment();
  const warn = (sentence: string) => void process.stderr.write(`${sentence}\n`);
  try {
    return await work({
      registry,
      author: author ?? environment.author ?? 'unknown',
      reason,
      approvals,
      cacheFolder: cacheFolder(),
      announce: environment.redisUrl ? announceOnRedis(environment.redisUrl, warn) : tellNobody,
      now: new Date(),
    });
  } catch (error) {
    const isRefusal = error instanceof StalePublicationError || error instanceof NothingPublishedError;
    throw isRefusal ? new Problem('refused', error.message, { cause: error }) : error;
  } finally {
    await registry.close();
  }
}

async function among(
  registry: Registry,
  stage: Stage,
  subgraph: string,
  part: { file: string; text: string },
): Promise<Graph> {
  const published = await registry.latest(stage);
  return withSubgraph(published ? graphOf(published) : { label: 'nothing', subgraphs: [] }, subgraph, part);
}

/** The operations that are committed beside the SDL hold back changes like those of any client. */
async function registerCommitted(registry: Registry, folder: string, now: Date): Promise<void> {
  for (const { contract, operations } of committedManifests(folder)) {
    await registry.registerManifest({
      contract,
      client: `operations/${contract}`,
      version: 'committed',
      registeredAt: now.toISOString(),
      operations: operations.map(({ name, body }) => ({ name, body })),
    });
  }
}

/** Where the registry is, when it is one that publishes by itself. */
function remoteAddress(address = readSchemaEnvironment().registry): string | null {
  return address && /^https?:/.test(address) ? address : null;
}

async function ask(address: string, path: string, body: object): Promise<RemoteResult> {
  const { token } = readSchemaEnvironment();
  return (await callRegistry({ address, token, path, method: 'POST', body })) as RemoteResult;
}

type RemoteResult =
  | { outcome: 'refused'; report: Report }
  | { outcome: 'published' | 'unchanged'; number: number; report: Report };

function told(stage: Stage, result: PublishResult | RemoteResult): number {
  process.stdout.write(prettyReport(result.report, { all: false }));
  if (result.outcome === 'refused') {
    process.stdout.write('Nothing was published. Whoever must publish it all the same says why with --reason.\n');
    return exitCodes.refused;
  }
  const number = 'number' in result ? result.number : result.publication.number;
  process.stdout.write(
    result.outcome === 'published'
      ? `Published as ${stage} ${number}.\n`
      : `${stage} ${number} is just that already.\n`,
  );
  return exitCodes.ok;
}

function readSdl(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Problem('usage', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
