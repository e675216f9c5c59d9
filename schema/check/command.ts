import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readSchemaEnvironment } from '../env.ts';
import { exitCodes, Problem } from '../problem.ts';
import { printUsage, wrongUsage } from '../registry/command-options.ts';
import { withRegistry } from '../registry/open-registry.ts';
import { clientsOf, graphOf } from '../registry/published-graph.ts';
import { type Stage, stages } from '../registry/registry.ts';
import { cacheFolder, schemaFolder } from '../schema-folder.ts';
import { approvalsIn } from './approvals.ts';
import type { Baseline } from './baseline.ts';
import type { Felt } from './change.ts';
import { check, type Graph, type Report } from './check.ts';
import { graphAtRevision, graphInFolder, registeredAt, withSubgraph } from './graph-sources.ts';
import { isReportFormat, type ReportFormat, reportFormats } from './report/report-formats.ts';
import { sdlOfRunning } from './running-subgraph.ts';

const usage = `Tells what a change of the schema means before it ships: whether the graph composes, what its clients feel, and who must act.

Usage: souk-schema check [options]

What changes (without any of these: the working tree)
  --subgraph <name> --sdl <file>   one subgraph's SDL, whole or its own part, among the others that are published
  --subgraph <name> --url <url>    the same, asked of a running subgraph; SERVICE_PRIVATE_KEY proves who asks
  --header <name: value>           sent to the running subgraph; may be repeated

What it is compared with
  --registry <address>             what is published there, a folder, mysql:// or https://; or SOUK_REGISTRY
  --stage <name>                   production (the default) or staging, of the registry
  --base <revision>                a git revision instead; origin/main when no registry is named
  --folder <path>                  where the SDL is; schema/

What comes out
  --format <format>[=<file>]       pretty, json, markdown, github or sarif, on standard output or into a file; may be repeated
  --all                            safe changes one by one too (pretty)
  --fail-on <verdict>              breaking (with exposing, the default), or dangerous too
  --no-cache                       compose anew although the same SDL was composed before

Exit codes: 0 it may ship, 1 it must not, 2 wrong usage, 3 could not find out.
`;

/** `souk-schema check`. @returns the exit code */
export async function checkCommand(given: string[]): Promise<number> {
  const options = readOptions(given);
  if (options.help) return printUsage(usage);
  const outputs = (options.format ?? ['pretty']).map(readFormat);
  const baseline = await baselineOf(options);
  const report = await check({
    before: baseline.graph,
    after: await changedGraph(options, baseline.graph),
    operations: baseline.operations,
    usage: baseline.usage,
    usageDays: baseline.usageDays,
    approvals: approvalsIn(options.folder),
    today: new Date().toISOString().slice(0, 10),
    cacheFolder: options['no-cache'] ? null : cacheFolder(),
  });
  const dated = withDates(report, baseline);
  for (const { format, file } of outputs) write(reportFormats[format](dated, { all: options.all === true }), file);
  const isDangerous = dated.changes.some(({ verdict, approval }) => verdict === 'dangerous' && approval === null);
  return dated.passed && !(options['fail-on'] === 'dangerous' && isDangerous) ? exitCodes.ok : exitCodes.refused;
}

type Options = ReturnType<typeof readOptions>;

function readOptions(given: string[]) {
  try {
    const { values } = parseArgs({
      args: given,
      options: {
        help: { type: 'boolean' },
        subgraph: { type: 'string' },
        sdl: { type: 'string' },
        url: { type: 'string' },
        header: { type: 'string', multiple: true },
        registry: { type: 'string' },
        stage: { type: 'string', default: 'production' },
        base: { type: 'string' },
        folder: { type: 'string' },
        format: { type: 'string', multiple: true },
        all: { type: 'boolean' },
        'fail-on': { type: 'string' },
        'no-cache': { type: 'boolean' },
      },
    });
    if (values['fail-on'] && !['breaking', 'dangerous'].includes(values['fail-on']))
      throw new Error(`Expected --fail-on to be breaking or dangerous, got "${values['fail-on']}".`);
    if (values.sdl && values.url) throw new Error('Expected --sdl or --url, got both.');
    if ((values.sdl || values.url) && !values.subgraph)
      throw new Error('Expected --subgraph to say whose SDL this is.');
    if (values.subgraph && !values.sdl && !values.url) throw new Error('Expected --sdl or --url with --subgraph.');
    const stage = stages.find((known) => known === values.stage);
    if (!stage) throw new Error(`Expected --stage to be one of ${stages.join(', ')}, got "${values.stage}".`);
    if (values.base && values.registry) throw new Error('Expected --base or --registry, got both.');
    return { ...values, stage, folder: resolve(values.folder ?? schemaFolder()) };
  } catch (error) {
    throw wrongUsage((error as Error).message, usage);
  }
}

function readFormat(given: string): { format: ReportFormat; file: string | null } {
  const [format = '', file = null] = given.split(/=(.*)/s);
  if (isReportFormat(format)) return { format, file };
  throw new Problem(
    'usage',
    `Expected --format to be one of ${Object.keys(reportFormats).join(', ')}, got "${format}".`,
  );
}

async function baselineOf(options: Options): Promise<Baseline> {
  const { base, registry = base ? undefined : readSchemaEnvironment().registry } = options;
  return registry ? publishedBaseline(registry, options.stage) : committedBaseline(options);
}

async function publishedBaseline(address: string, stage: Stage): Promise<Baseline> {
  return withRegistry(address, async (registry) => {
    const published = await registry.latest(stage);
    return { graph: published && graphOf(published), ...(await clientsOf(registry, new Date())) };
  });
}

function committedBaseline({ folder, base }: Options): Baseline {
  const attempts = base ? [base] : ['origin/main', 'main', 'HEAD'];
  const faults: string[] = [];
  for (const revision of attempts) {
    try {
      const { graph, operations } = graphAtRevision(folder, revision);
      return {
        graph: graph.subgraphs.length > 0 ? graph : null,
        operations,
        usage: [],
        usageDays: 0,
        sinceOf: ({ contract, body }) => registeredAt(folder, contract, body),
      };
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  throw new Problem(
    'unavailable',
    `There is nothing to compare with: ${faults.join(' ')} Name a revision with --base.`,
  );
}

async function changedGraph(options: Options, published: Graph | null): Promise<Graph> {
  const { folder, subgraph, sdl, url } = options;
  if (!subgraph) return readable(() => graphInFolder(folder), folder);
  const empty: Graph = { label: 'nothing', subgraphs: [] };
  const part = sdl
    ? { file: relative(process.cwd(), sdl), text: readable(() => readFileSync(sdl, 'utf8'), sdl) }
    : { file: url ?? '', text: await askSubgraph(options) };
  return withSubgraph(published ?? empty, subgraph, part);
}

async function askSubgraph({ subgraph = '', url = '', header = [] }: Options): Promise<string> {
  const headers = Object.fromEntries(header.map((line) => line.split(/:\s*(.*)/s).slice(0, 2) as [string, string]));
  const { servicePrivateKey } = readSchemaEnvironment();
  if (servicePrivateKey) {
    const { assertionHeaders } = await import('./service-assertion.ts');
    const assertion = await assertionHeaders(servicePrivateKey, subgraph).catch((error: Error) => {
      throw new Problem('usage', `Nothing proves to ${subgraph} who asks: ${error.message}`, { cause: error });
    });
    Object.assign(headers, assertion);
  }
  return sdlOfRunning(url, headers).catch((error: Error) => {
    throw new Problem('unavailable', error.message, { cause: error });
  });
}

function readable<Result>(read: () => Result, path: string): Result {
  try {
    return read();
  } catch (error) {
    throw new Problem('usage', `${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Looking through history takes time, so it is done only for operations that somebody will read about. */
function withDates(report: Report, { operations, sinceOf }: Baseline): Report {
  if (!sinceOf) return report;
  const known = new Map<string, string | null>();
  const dated = (felt: Felt): Felt => {
    const isSame = (candidate: { client: string; name: string }) =>
      candidate.client === felt.client && candidate.name === felt.operation;
    const operation = felt.since === null ? operations.find(isSame) : undefined;
    if (!operation) return felt;
    if (!known.has(operation.body)) known.set(operation.body, sinceOf(operation));
    return { ...felt, since: known.get(operation.body) ?? null };
  };
  const changes = report.changes.map((change) =>
    change.verdict === 'safe' ? change : { ...change, feltBy: change.feltBy.map(dated) },
  );
  return { ...report, changes };
}

function write(text: string, file: string | null): void {
  if (file === null) {
    process.stdout.write(text);
    return;
  }
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, text);
}
