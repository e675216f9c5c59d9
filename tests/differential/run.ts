import { randomFor } from '@souk/dev/seed/random';
import { differenceOf } from './comparison.ts';
import { type FailureKind, failureKinds } from './failures.ts';
import type { GatewayAnswer, TestedGateway } from './gateways.ts';
import type { Graph } from './graphs.ts';
import { type Operation, operationBy } from './operation.ts';
import { differentRequests } from './requests.ts';
import type { Circumstances } from './wire.ts';
import type { World } from './world.ts';

/** One operation through two gateways: the same seed makes the same operation in the same circumstances. */
export interface Run {
  seed: string;
  operation: Operation;
  world: World;
  failing: ReadonlyMap<string, FailureKind>;
  reading: Circumstances['reading'];
}

export interface Outcome {
  run: Run;
  expected: ObservedAnswer;
  actual: ObservedAnswer;
  /** In words; undefined when the answers are the same. */
  difference: string | undefined;
}

/** What may happen to subgraphs. */
export interface Risks {
  failures: readonly FailureKind[];
  /** Whether a subgraph may not know an entity that another one knows. */
  unknownEntities: boolean;
}

const allRisks: Risks = { failures: failureKinds, unknownEntities: true };

/** A run in which no subgraph fails. */
export function runBy(seed: string, graph: Graph, { unknownEntities } = allRisks): Run {
  const random = randomFor(seed);
  const world: World = {
    graph,
    seed,
    nullPercent: random.pick([0, 0, 10, 30]),
    unknownPercent: random.pick([0, 0, unknownEntities ? 10 : 0]),
    texts: random.pick(['plain', 'chinese', 'awkward']),
  };
  return {
    seed,
    operation: operationBy(random, graph),
    world,
    failing: new Map(),
    reading: random.pick(['apollo', 'souk']),
  };
}

/** Has subgraphs fail that the operation asks, in most runs: some of the failures find nothing to spoil, and half of all operations are to meet one. */
export async function withFailures(run: Run, gateway: TestedGateway, { failures } = allRisks): Promise<Run> {
  const random = randomFor(`${run.seed} failures`);
  if (random.chance(28)) return run;
  const { sent } = await observe(run, gateway);
  const asked = [...new Set(sent.map(({ subgraph }) => subgraph))].sort();
  const failing = random.some(asked, random.pick([1, 2, 2, asked.length]));
  return { ...run, failing: new Map(failing.map((name) => [name, random.pick(failures)])) };
}

export type ObservedAnswer = GatewayAnswer & Pick<Circumstances, 'sent' | 'spoiled'>;

/** Those that are compared. */
export interface Gateways {
  expected: TestedGateway;
  actual: TestedGateway;
  /** Whether they are to ask subgraphs for the same. */
  askAlike: boolean;
}

/** Runs the same operation in the same circumstances through both. */
export async function compare(run: Run, gateways: Gateways): Promise<Outcome> {
  const expected = await observe(run, gateways.expected);
  const actual = await observe(run, gateways.actual);
  const difference = await differenceInAnyOrder(run, gateways, expected, actual);
  return { run, expected, actual, difference };
}

/**
 * What two subgraphs say differently about the same thing is taken from whichever answers last. Each order is as right as another one, and the requests may be
 * those of one and the answer that of another: when the compiled form gives up, the stock executor goes on with answers that are all there already.
 */
async function differenceInAnyOrder(
  run: Run,
  { expected: gateway, askAlike }: Gateways,
  first: ObservedAnswer,
  actual: ObservedAnswer,
): Promise<string | undefined> {
  const inAnswer = differenceOf(first, actual);
  const inRequests = askAlike ? differentRequests(first.sent, actual.sent) : undefined;
  let isAnswered = inAnswer === undefined;
  let isAsked = inRequests === undefined;
  for (let order = 1; order <= OTHER_ORDERS && !(isAnswered && isAsked); order++) {
    const expected = await observe(run, gateway, order);
    isAnswered ||= differenceOf(expected, actual) === undefined;
    isAsked ||= differentRequests(expected.sent, actual.sent) === undefined;
  }
  return (isAnswered ? undefined : inAnswer) ?? (isAsked ? undefined : inRequests);
}

/** One of the orders may be rare, and only answers that differ are looked at so often. */
const OTHER_ORDERS = 40;

async function observe(
  { operation, world, failing, reading }: Run,
  gateway: TestedGateway,
  order = 0,
): Promise<ObservedAnswer> {
  const circumstances: Circumstances = { world, failing, reading, order, sent: [], spoiled: 0 };
  const answer = await gateway.run(operation, circumstances);
  return { ...answer, sent: circumstances.sent, spoiled: circumstances.spoiled };
}
