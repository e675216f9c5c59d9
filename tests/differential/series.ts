import type { ExecutionPath } from '../../gateway/src/execution/engine.ts';
import { openStockGateway, type TestedGateway } from './gateways.ts';
import { type Graph, type GraphName, openGraph } from './graphs.ts';
import { compare, type Outcome, type Risks, runBy, withFailures } from './run.ts';
import { shrink } from './shrink.ts';

/** What came of many operations. */
export interface Series {
  graph: GraphName;
  operations: number;
  /** Those whose answers differ, as small as they could be made, and no more than asked for. */
  differences: Outcome[];
  /** How the gateway under test executed them; `none` when it refused them before that. */
  paths: Record<ExecutionPath | 'none', number>;
  /** Why operations were not compiled, or left their compiled form although all subgraphs were well, and how many. */
  reasons: Map<string, number>;
  /** Operations with two right answers, by the subgraphs whose failure they depend on. */
  dependences: Map<string, number>;
  /** Operations for which a subgraph did not answer as it does when it is well. */
  failed: number;
  /** Operations whose answer had errors, or values that gateways had to correct. */
  imperfect: number;
  /** How many requests to subgraphs they took together, and the bytes of their answers. */
  requests: number;
  bytes: number;
}

export interface SeriesOptions {
  graph: GraphName;
  seed: string;
  operations: number;
  /** The gateway that is compared with the stock one. */
  open: (graph: Graph) => Promise<TestedGateway>;
  /** What it is compared with instead. */
  openExpected?: (graph: Graph) => Promise<TestedGateway>;
  /** The stock executor with the plans of the gateway that is compared, if these are others. */
  openPlanned?: (graph: Graph) => Promise<TestedGateway>;
  /** Whether both are to ask subgraphs for the same; they are if not told. */
  askAlike?: boolean;
  /** What may happen to subgraphs, if not all that can. */
  risks?: Risks;
  /** The first of them, to go on where others ended or to run one again. */
  from?: number;
  /** After so many differences there is enough to look at. */
  maxDifferences?: number;
  /** How many smaller operations are tried for each. */
  shrinkAttempts?: number;
}

/** Runs operations by chance through the stock gateway and another one, and compares the answers. The same options give the same operations. */
export async function runSeries(options: SeriesOptions): Promise<Series> {
  const {
    graph: name,
    seed,
    operations,
    open,
    openExpected = openStockGateway,
    openPlanned,
    askAlike = true,
    risks,
    from = 0,
    maxDifferences = 3,
    shrinkAttempts = 1_000,
  } = options;
  const graph = openGraph(name);
  const planned = await openPlanned?.(graph);
  const gateways = { expected: await openExpected(graph), actual: await open(graph), planned, askAlike };
  const series: Series = {
    graph: name,
    operations: 0,
    differences: [],
    paths: { compiled: 0, slow: 0, stock: 0, deferred: 0, none: 0 },
    reasons: new Map(),
    dependences: new Map(),
    failed: 0,
    imperfect: 0,
    requests: 0,
    bytes: 0,
  };
  try {
    for (let index = from; index < from + operations; index++) {
      const run = await withFailures(runBy(`${seed}/${name}/${index}`, graph, risks), gateways.expected, risks);
      const outcome = await compare(run, gateways);
      note(series, outcome);
      if (outcome.difference) series.differences.push(await shrink(outcome, gateways, shrinkAttempts));
      if (series.differences.length >= maxDifferences) break;
    }
    return series;
  } finally {
    await Promise.all([gateways.expected, gateways.actual, planned].map((gateway) => gateway?.close()));
  }
}

function note(series: Series, { expected, actual, dependence }: Outcome): void {
  series.operations++;
  const subgraphs = dependence?.join(', ');
  if (subgraphs !== undefined) series.dependences.set(subgraphs, (series.dependences.get(subgraphs) ?? 0) + 1);
  series.paths[actual.path ?? 'none']++;
  const isExplained = actual.path === 'slow' && actual.spoiled > 0;
  if (actual.reason !== undefined && !isExplained)
    series.reasons.set(actual.reason, (series.reasons.get(actual.reason) ?? 0) + 1);
  if (expected.spoiled > 0) series.failed++;
  const { errors, extensions } = JSON.parse(expected.body) as { errors?: unknown; extensions?: unknown };
  if (errors || extensions) series.imperfect++;
  series.requests += expected.sent.length;
  series.bytes += expected.body.length;
}

/** How large a part of the operations that were executed went such a way, from 0 to 1. */
export function shareOf({ paths }: Series, path: ExecutionPath): number {
  return paths[path] / (paths.compiled + paths.slow + paths.stock + paths.deferred);
}

/** All that is needed to understand a difference and to see it again. */
export function describe({ run, expected, actual, difference }: Outcome): string {
  const { seed, operation, world, failing, reading } = run;
  const [, graph, index] = seed.split('/');
  const { nullPercent, unknownPercent, texts } = world;
  return [
    `The answers differ. Again: npm run differential -- --graph ${graph} --seed ${seed.split('/')[0]} --from ${index} --operations 1${actual.path === 'deferred' ? ' --deferred' : ''}`,
    difference,
    operation.query,
    `variables ${JSON.stringify(operation.variables)}, operation name ${operation.operationName ?? '(none)'}`,
    `nulls ${nullPercent} %, unknown entities ${unknownPercent} %, ${texts} texts, failures read as ${reading}`,
    ...[...failing].map(([subgraph, kind]) => `${subgraph} fails: ${kind}`),
    `expected ${expected.status} ${expected.body}`,
    `got      ${actual.status} ${actual.body}`,
    `executed ${actual.path ?? 'not at all'}${actual.reason ? `: ${actual.reason}` : ''}`,
    'requests that the stock gateway sent, in order:',
    ...expected.sent.map(({ subgraph, query, variables }) => `  ${subgraph} ${query} ${JSON.stringify(variables)}`),
  ].join('\n');
}
