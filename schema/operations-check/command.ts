import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs, styleText } from 'node:util';
import { print } from 'graphql';
import { type Contract, contracts } from '../contracts.ts';
import { manifestText } from '../manifest.ts';
import { exitCodes, Problem } from '../problem.ts';
import { printUsage, wrongUsage } from '../registry/command-options.ts';
import { openRegistry } from '../registry/open-registry.ts';
import { type Stage, stages } from '../registry/registry.ts';
import { schemaFolder } from '../schema-folder.ts';
import { checkOperations, type OperationsReport } from './check-operations.ts';
import { type ClientDocuments, readClientDocuments } from './documents.ts';

const usage = `Validates a client's operations against what it sees of the graph, lists what it uses that will go, and what each operation costs.

Usage: souk-schema operations <files or globs> [options]

  --contract <name>        storefront (the default) or admin
  --stage <name>           against what is published for this stage of the registry; without it, against the committed schema
  --manifest <file>        writes the operations as a persisted query manifest
  --register               registers them, for --client and --version, so that no change of the schema breaks them unnoticed
  --client <name>          as the client calls itself in apollographql-client-name
  --version <version>      as it does in apollographql-client-version
  --registry <address>     see souk-schema publish --help; or SOUK_REGISTRY
  --format <format>        pretty (the default) or json

Files are .graphql documents, or code (.ts, .tsx, .js, .jsx) with operations behind the tags gql and graphql. Put globs in quotes.
Exit codes: 0 all are valid, 1 some are not, 2 wrong usage, 3 could not find out.
`;

/** `souk-schema operations`. @returns the exit code */
export async function operationsCommand(given: string[]): Promise<number> {
  const options = readOptions(given);
  if (options.help) return printUsage(usage);
  const documents = await documentsIn(options.files);
  const report = checkOperations(await contractText(options), documents.operations, documents.faults);
  process.stdout.write(
    options.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : pretty(report, options.contract),
  );
  // What the gateway would refuse is registered nowhere.
  if (!report.passed) return exitCodes.refused;
  if (options.manifest) writeManifest(options.manifest, documents);
  if (options.register) await register(options, documents);
  return exitCodes.ok;
}

type Options = ReturnType<typeof readOptions>;

function readOptions(given: string[]) {
  try {
    const { values, positionals: files } = parseArgs({
      args: given,
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        contract: { type: 'string', default: 'storefront' },
        stage: { type: 'string' },
        manifest: { type: 'string' },
        register: { type: 'boolean' },
        client: { type: 'string' },
        version: { type: 'string' },
        registry: { type: 'string' },
        format: { type: 'string', default: 'pretty' },
      },
    });
    const contract = oneOf(contracts, values.contract, '--contract');
    const stage = values.stage === undefined ? undefined : oneOf(stages, values.stage, '--stage');
    oneOf(['pretty', 'json'], values.format, '--format');
    if (files.length === 0 && !values.help) throw new Error('Expected the files that hold the operations.');
    if (values.register && (!values.client || !values.version))
      throw new Error('Expected --client and --version with --register.');
    return { ...values, contract, stage, files };
  } catch (error) {
    throw wrongUsage((error as Error).message, usage);
  }
}

function oneOf<const Known extends string>(known: readonly Known[], given: string, option: string): Known {
  const found = known.find((each) => each === given);
  if (found === undefined) throw new Error(`Expected ${option} to be one of ${known.join(', ')}, got "${given}".`);
  return found;
}

async function documentsIn(patterns: string[]): Promise<ClientDocuments> {
  const files = [...new Set(patterns.flatMap((pattern) => globSync(pattern)))].sort();
  if (files.length === 0) throw new Problem('usage', `No file fits ${patterns.join(', ')}.`);
  return readClientDocuments(files).catch((error: Error) => {
    throw new Problem('usage', error.message, { cause: error });
  });
}

async function contractText({
  contract,
  stage,
  registry: address,
}: Options): Promise<{ api: string; supergraph: string }> {
  if (stage) return publishedContract(contract, stage, address);
  const folder = schemaFolder();
  try {
    const read = (file: string) => readFileSync(join(folder, file, `${contract}.graphql`), 'utf8');
    return { api: read('api'), supergraph: read('gateway') };
  } catch (error) {
    throw new Problem('usage', `There is no committed schema in ${folder}: name a --stage of the registry.`, {
      cause: error,
    });
  }
}

async function publishedContract(contract: Contract, stage: Stage, address: string | undefined) {
  const registry = await openRegistry(address);
  try {
    const publication = await registry.latest(stage);
    if (!publication) throw new Problem('unavailable', `Nothing is published for ${stage} yet.`);
    return publication.contracts[contract];
  } finally {
    await registry.close();
  }
}

function writeManifest(file: string, { operations }: ClientDocuments): void {
  const listed = operations.map(({ name, type, document }) => ({ name, type, body: print(document) }));
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, manifestText(listed.sort((a, b) => (a.name < b.name ? -1 : 1))));
}

async function register(
  { contract, client = '', version = '', registry: address }: Options,
  { operations }: ClientDocuments,
) {
  const registry = await openRegistry(address);
  try {
    await registry.registerManifest({
      contract,
      client,
      version,
      registeredAt: new Date().toISOString(),
      operations: operations.map(({ name, document }) => ({ name, body: print(document) })),
    });
  } finally {
    await registry.close();
  }
  process.stderr.write(`Registered the operations of ${client} ${version} for ${contract}.\n`);
}

function pretty({ passed, faults, deprecations, operations }: OperationsReport, contract: Contract): string {
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    styleText(style, text, { stream: process.stdout });
  const at = (place: OperationsReport['faults'][number]['place']) =>
    place ? paint('dim', `  ${place.file}:${place.line}`) : '';
  const lines = [
    ...faults.map(({ message, place }) => `${paint('red', '✗')} ${message}${at(place)}`),
    ...deprecations.map(({ message, place }) => `${paint('yellow', '!')} ${message}${at(place)}`),
    paint('dim', `${'cost'.padStart(8)}  operation`),
    ...operations.map(({ name, cost }) => `${String(cost).padStart(8)}  ${name}`),
    passed
      ? paint(
          'green',
          `✓ ${operations.length === 1 ? 'One operation is' : `${operations.length} operations are`} valid for ${contract}.`,
        )
      : paint('red', `✗ ${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}: the gateway would refuse them.`),
  ];
  return `${lines.join('\n')}\n`;
}
