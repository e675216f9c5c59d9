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
  /** In words; undefined when the answers are the same, or each is right. */
  difference: string | undefined;
  /** The failing subgraphs for which both are right, though they differ. */
  dependence: readonly string[] | undefined;
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
  /** The stock executor with the plan of `actual`, where that is planned otherwise. */
  planned?: TestedGateway | undefined;
  /** Whether they are to ask subgraphs for the same. */
  askAlike: boolean;
}

/** Runs the same operation in the same circumstances through both. */
export async function compare(run: Run, gateways: Gateways): Promise<Outcome> {
  const expected = await observe(run, gateways.expected);
  const actual = await observe(run, gateways.actual);
  const difference = await differenceInAnyOrder(run, gateways, expected, actual);
  const dependence = difference ? await dependenceOf(run, gateways, expected, actual) : undefined;
  return { run, expected, actual, difference: dependence ? undefined : difference, dependence };
}

/**
 * Two plans for the same may depend on different subgraphs; when one of these fails, they lead to different answers, of which each is right.
 *
 * @returns these subgraphs; undefined when it is not so
 */
async function dependenceOf(
  run: Run,
  gateways: Gateways,
  expected: ObservedAnswer,
  actual: ObservedAnswer,
): Promise<readonly string[] | undefined> {
  const { planned } = gateways;
  if (!planned) return undefined;
  return (await doneWithout(run, gateways, expected, actual)) ?? (await plannedWith(planned, run, gateways, actual));
}

/** It did not ask them, and its answer is the expected one of when they are well. */
async function doneWithout(
  run: Run,
  gateways: Gateways,
  expected: ObservedAnswer,
  actual: ObservedAnswer,
): Promise<readonly string[] | undefined> {
  const failing = new Map([...run.failing].filter(([name]) => asks(actual, name)));
  const subgraphs = [...run.failing.keys()].filter((name) => !failing.has(name) && asks(expected, name));
  if (subgraphs.length === 0) return undefined;
  const answer = await observe({ ...run, failing }, gateways.expected);
  return differenceOf(answer, actual) === undefined ? subgraphs : undefined;
}

function asks({ sent }: ObservedAnswer, name: string): boolean {
  return sent.some(({ subgraph }) => subgraph === name);
}

/**
 * The stock executor gives just its answer, by the same plan in the same circumstances. While all subgraphs are well, both plans lead to one answer; when one
 * of these alone fails, they lead to two.
 */
async function plannedWith(
  planned: TestedGateway,
  run: Run,
  { expected }: Gateways,
  actual: ObservedAnswer,
): Promise<readonly string[] | undefined> {
  if (differenceOf(await observe(run, planned), actual) !== undefined) return undefined;
  const plansDiffer = async (failing: Run['failing']) => {
    const circumstances = { ...run, failing };
    const answer = await observe(circumstances, expected);
    return differenceOf(answer, await observe(circumstances, planned)) !== undefined;
  };
  if (await plansDiffer(new Map())) return undefined;
  const subgraphs: string[] = [];
  for (const [name, kind] of run.failing) if (await plansDiffer(new Map([[name, kind]]))) subgraphs.push(name);
  return subgraphs.length > 0 ? subgraphs : undefined;
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
  const inRequests = askAlike && !brokeOff(first) ? differentRequests(first.sent, actual.sent) : undefined;
  let isAnswered = inAnswer === undefined;
  let isAsked = inRequests === undefined;
  for (let order = 1; order <= OTHER_ORDERS && !(isAnswered && isAsked); order++) {
    const expected = await observe(run, gateway, order);
    isAnswered ||= differenceOf(expected, actual) === undefined;
    isAsked ||= differentRequests(expected.sent, actual.sent) === undefined;
  }
  return (isAnswered ? undefined : inAnswer) ?? (isAsked ? undefined : inRequests);
}

/**
 * Where two subgraphs say that something is of different kinds, an object and a text, the stock executor breaks off between putting their answers together, with
 * an error of its own. What it asks for then depends on how far it had come; its answer does not, and is compared.
 */
function brokeOff({ body }: ObservedAnswer): boolean {
  return body.includes("Cannot use 'in' operator to search for");
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
