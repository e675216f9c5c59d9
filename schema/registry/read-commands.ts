import { check } from '../check/check.ts';
import { prettyReport } from '../check/report/pretty.ts';
import { textOf } from '../check/subgraph-sdl.ts';
import { contracts } from '../contracts.ts';
import { exitCodes, Problem } from '../problem.ts';
import { cacheFolder } from '../schema-folder.ts';
import { commonUsage, numberOf, printUsage, readCommand, stageOf, wrongUsage } from './command-options.ts';
import { withRegistry } from './open-registry.ts';
import { graphOf } from './published-graph.ts';
import { requestFor } from './publishing.ts';
import type { Publication, PublicationHead, Registry, Stage } from './registry.ts';

const historyUsage = `Lists what was published, the newest first.

Usage: souk-schema history [--limit <number>] [--json] [options]

${commonUsage}
`;

/** `souk-schema history`. @returns the exit code */
export async function historyCommand(given: string[]): Promise<number> {
  const { values } = readCommand(given, historyUsage, { limit: { type: 'string' }, json: { type: 'boolean' } });
  if (values.help) return printUsage(historyUsage);
  const stage = stageOf(values.stage, historyUsage);
  const limit = numberOf(values.limit ?? '20', historyUsage);
  return withRegistry(values.registry, async (registry) => {
    const heads = await registry.history(stage, limit);
    process.stdout.write(values.json ? `${JSON.stringify(heads, null, 2)}\n` : heads.map(lineOf).join(''));
    return exitCodes.ok;
  });
}

function lineOf({
  number,
  kind,
  takenFrom,
  author,
  publishedAt,
  check: checked,
  reason,
  hash,
}: PublicationHead): string {
  const how = takenFrom ? `${kind} of ${takenFrom}` : kind;
  const counts = (['breaking', 'exposing', 'dangerous', 'safe'] as const)
    .flatMap((verdict) => (checked[verdict] > 0 ? [`${checked[verdict]} ${verdict}`] : []))
    .join(', ');
  const columns = [
    String(number).padStart(5),
    publishedAt.slice(0, 16).replace('T', ' '),
    hash.slice(0, 8),
    author,
    how,
    counts,
  ];
  return `${columns.join('  ')}${reason ? `  "${reason}"` : ''}\n`;
}

const showUsage = `Prints a publication, the newest unless a number is given, or a part of it.

Usage: souk-schema show [number] [options]

  --supergraph <contract>   its supergraph, ready for a gateway
  --api <contract>          what clients see
  --subgraph <name>         the SDL of one subgraph
${commonUsage}
`;

/** `souk-schema show`. @returns the exit code */
export async function showCommand(given: string[]): Promise<number> {
  const { values, positionals } = readCommand(given, showUsage, {
    supergraph: { type: 'string' },
    api: { type: 'string' },
    subgraph: { type: 'string' },
  });
  if (values.help) return printUsage(showUsage);
  const stage = stageOf(values.stage, showUsage);
  const [number] = positionals;
  return withRegistry(values.registry, async (registry) => {
    const publication = await find(registry, stage, number === undefined ? null : numberOf(number, showUsage));
    process.stdout.write(`${partOf(publication, values).trimEnd()}\n`);
    return exitCodes.ok;
  });
}

function partOf(
  { subgraphs, contracts: published, ...head }: Publication,
  { supergraph, api, subgraph }: { supergraph?: string; api?: string; subgraph?: string },
): string {
  const contractOf = (given: string) => {
    const contract = contracts.find((known) => known === given);
    if (!contract) throw wrongUsage(`Expected a contract, ${contracts.join(' or ')}, got "${given}".`, showUsage);
    return published[contract];
  };
  if (supergraph !== undefined) return contractOf(supergraph).supergraph;
  if (api !== undefined) return contractOf(api).api;
  if (subgraph !== undefined) {
    const found = subgraphs.find(({ name }) => name === subgraph);
    if (!found)
      throw wrongUsage(
        `Expected a subgraph, ${subgraphs.map(({ name }) => name).join(' or ')}, got "${subgraph}".`,
        showUsage,
      );
    return textOf(found);
  }
  return JSON.stringify({ ...head, subgraphs: subgraphs.map(({ name }) => name) }, null, 2);
}

const diffUsage = `Tells what changed between two publications of a stage, as the check would.

Usage: souk-schema diff <number> <number> [--all] [options]

${commonUsage}
`;

/** `souk-schema diff`. @returns the exit code */
export async function diffCommand(given: string[]): Promise<number> {
  const { values, positionals } = readCommand(given, diffUsage, { all: { type: 'boolean' } });
  if (values.help) return printUsage(diffUsage);
  const stage = stageOf(values.stage, diffUsage);
  const [from, to] = positionals.map((number) => numberOf(number, diffUsage));
  if (from === undefined || to === undefined) throw wrongUsage('Expected two numbers.', diffUsage);
  return withRegistry(values.registry, async (registry) => {
    const [before, after] = [await find(registry, stage, from), await find(registry, stage, to)];
    const options = { registry, approvals: [], cacheFolder: cacheFolder(), now: new Date() };
    const report = await check(await requestFor(before, graphOf(after), options));
    process.stdout.write(prettyReport(report, { all: values.all === true }));
    return exitCodes.ok;
  });
}

const retireUsage = `Forgets the operations of a client version that nobody uses any more, so that they hold no change back.

Usage: souk-schema retire --contract <name> --client <name> --version <version> [--registry <address>]
`;

/** `souk-schema retire`. @returns the exit code */
export async function retireCommand(given: string[]): Promise<number> {
  const { values } = readCommand(given, retireUsage, {
    contract: { type: 'string' },
    client: { type: 'string' },
    version: { type: 'string' },
  });
  if (values.help) return printUsage(retireUsage);
  const { client, version } = values;
  const contract = contracts.find((known) => known === values.contract);
  if (!contract || !client || !version) throw wrongUsage('Expected --contract, --client and --version.', retireUsage);
  return withRegistry(values.registry, async (registry) => {
    const wasKnown = await registry.retireManifest({ contract, client, version });
    if (!wasKnown) throw new Problem('refused', `${client} ${version} is not registered for ${contract}.`);
    process.stdout.write(`${client} ${version} holds nothing back any more.\n`);
    return exitCodes.ok;
  });
}

async function find(registry: Registry, stage: Stage, number: number | null): Promise<Publication> {
  const found = await (number === null ? registry.latest(stage) : registry.publication(stage, number));
  if (found) return found;
  throw new Problem(
    'refused',
    number === null ? `Nothing is published for ${stage} yet.` : `There is no publication ${number} of ${stage}.`,
  );
}
