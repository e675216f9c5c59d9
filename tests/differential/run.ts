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

export function runBy(seed: string, graph: Graph, { failures, unknownEntities } = allRisks): Run {
  const random = randomFor(seed);
  const world: World = {
    graph,
    seed,
    nullPercent: random.pick([0, 0, 10, 30]),
    unknownPercent: random.pick([0, 0, unknownEntities ? 10 : 0]),
    texts: random.pick(['plain', 'chinese', 'awkward']),
  };
  const isHealthy = random.chance(45);
  const names = [...graph.subgraphs.keys()];
  const failing = isHealthy ? [] : random.some(names, random.pick([1, 2, 2, names.length]));
  return {
    seed,
    operation: operationBy(random, graph),
    world,
    failing: new Map(failing.map((name) => [name, random.pick(failures)])),
    reading: random.pick(['apollo', 'souk']),
  };
}

export type ObservedAnswer = GatewayAnswer & Pick<Circumstances, 'sent'>;

/** Runs the same operation in the same circumstances through both. */
export async function compare(
  run: Run,
  gateways: { expected: TestedGateway; actual: TestedGateway },
): Promise<Outcome> {
  const expected = await observe(run, gateways.expected);
  const actual = await observe(run, gateways.actual);
  const difference = differenceOf(expected, actual) ?? differentRequests(expected.sent, actual.sent);
  if (difference && (await isOfAnotherOrder(run, gateways.expected, actual)))
    return { run, expected, actual, difference: undefined };
  return { run, expected, actual, difference };
}

/** What two subgraphs say differently about the same thing is taken from whichever answers last. Each order is as right as another one. */
async function isOfAnotherOrder(run: Run, gateway: TestedGateway, actual: ObservedAnswer): Promise<boolean> {
  for (let order = 1; order <= OTHER_ORDERS; order++) {
    const expected = await observe(run, gateway, order);
    if (!differenceOf(expected, actual) && !differentRequests(expected.sent, actual.sent)) return true;
  }
  return false;
}

const OTHER_ORDERS = 8;

async function observe(
  { operation, world, failing, reading }: Run,
  gateway: TestedGateway,
  order = 0,
): Promise<ObservedAnswer> {
  const circumstances: Circumstances = { world, failing, reading, order, sent: [] };
  const answer = await gateway.run(operation, circumstances);
  return { ...answer, sent: circumstances.sent };
}
