import { isDeepStrictEqual, parseArgs } from 'node:util';
import { type GraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import {
  type GatewayAnswer,
  type OpenGateway,
  openCompiledGateway,
  openStockGateway,
  type ReachSubgraph,
} from './gateways.ts';

/**
 * `node tests/differential/audit.ts <url>`: runs the cases of the public federation gateway audit through the stock gateway and through ours.
 *
 * The audit (graphql-hive/federation-gateway-audit on GitHub, MIT) is a server that has subgraphs, supergraphs and cases; it is no package of a registry, so
 * whoever wants it starts it from its source (`npm start serve`) and names its address here.
 */
const usage = 'node tests/differential/audit.ts <address of the audit, such as http://localhost:4200>\n';

interface Case {
  query: string;
  expected: { data?: unknown; errors?: boolean };
}

interface Verdict {
  place: string;
  stock: boolean;
  ours: boolean;
  path: string;
}

const [address] = parseArgs({ allowPositionals: true }).positionals;
if (address) process.exitCode = await audit(address);
else process.stdout.write(usage);

/** @returns 1 when ours fails a case that the stock gateway passes */
async function audit(url: string): Promise<number> {
  const verdicts: Verdict[] = [];
  for (const suite of await read<string[]>(`${url}/ids`)) verdicts.push(...(await runSuite(url, suite)));

  const passed = (side: 'stock' | 'ours') => verdicts.filter((verdict) => verdict[side]).length;
  const lines = verdicts
    .filter(({ stock, ours }) => !stock || !ours)
    .map(({ place, stock, ours, path }) => `${place}: stock ${wordOf(stock)}, ours ${wordOf(ours)} (${path})`);
  const counts = Map.groupBy(verdicts, ({ path }) => path);
  const paths = [...counts].map(([path, of]) => `${path} ${of.length}`).join(', ');
  process.stdout.write(
    `${lines.join('\n')}\n${verdicts.length} cases; passed by the stock gateway ${passed('stock')}, by ours ${passed('ours')} (${paths})\n`,
  );
  return verdicts.some(({ stock, ours }) => stock && !ours) ? 1 : 0;
}

async function runSuite(url: string, suite: string): Promise<Verdict[]> {
  const ofStock = await runCases(url, suite, openStockGateway);
  const ofOurs = await runCases(url, suite, openCompiledGateway);
  return ofStock.map(({ passed }, index) => ({
    place: `${suite} ${index + 1}`,
    stock: passed,
    ours: ofOurs[index]?.passed ?? false,
    path: ofOurs[index]?.path ?? 'not executed',
  }));
}

/** Each gateway asks for the cases: mutations carry ids that are good for once. */
async function runCases(url: string, suite: string, open: OpenGateway) {
  const supergraphSdl = await (await fetch(`${url}/${suite}/supergraph`)).text();
  const cases = await read<Case[]>(`${url}/${suite}/tests`);
  const gateway = await open({ supergraphSdl }, reach).catch(() => undefined);
  const outcomes: { passed: boolean; path: string | undefined }[] = [];
  for (const { query, expected } of cases) {
    const answer = await gateway?.run({ query, variables: {} });
    outcomes.push({ passed: answer !== undefined && fits(answer, expected), path: answer?.path });
  }
  await gateway?.close();
  return outcomes;
}

function reach({ url = '' }: Parameters<ReachSubgraph>[0]): GraphQLDataSource {
  return new RemoteGraphQLDataSource({ url });
}

/** The audit compares the data, and whether there are errors. */
function fits(answer: GatewayAnswer, expected: Case['expected']): boolean {
  const { data, errors } = JSON.parse(answer.body) as { data?: unknown; errors?: unknown };
  const hasErrors = errors !== undefined;
  return isDeepStrictEqual(data ?? null, expected.data ?? null) && hasErrors === (expected.errors === true);
}

function wordOf(passed: boolean): string {
  return passed ? 'passes' : 'fails';
}

async function read<Value>(url: string): Promise<Value> {
  const answer = await fetch(url, { headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`Expected ${url} to answer, got status ${answer.status}.`);
  return (await answer.json()) as Value;
}
