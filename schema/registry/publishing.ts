import { idOf } from '../check/change.ts';
import { type CheckRequest, check, type Graph, type Report } from '../check/check.ts';
import { compositionOf } from '../check/composition-cache.ts';
import type { SubgraphSdl } from '../check/subgraph-sdl.ts';
import { type Contract, contracts } from '../contracts.ts';
import { supergraphHash } from '../supergraph-hash.ts';
import type { Announce } from './announce.ts';
import { clientsOf, graphHashOf, graphOf } from './published-graph.ts';
import {
  type CheckSummary,
  NothingPublishedError,
  type Publication,
  type PublicationHead,
  type PublishedContract,
  type Registry,
  type Stage,
} from './registry.ts';

/** What publishing needs besides the graph. */
export interface PublishOptions {
  registry: Registry;
  author: string;
  /** Why it must be published although the check refuses; without it, a refused graph is not. */
  reason: string | null;
  approvals: CheckRequest['approvals'];
  cacheFolder: string | null;
  /** Tells gateways that there is something new. */
  announce: Announce;
  now: Date;
}

export type PublishResult =
  | { outcome: 'published'; publication: Publication; report: Report }
  /** The graph is what is published already. */
  | { outcome: 'unchanged'; publication: PublicationHead; report: Report }
  | { outcome: 'refused'; report: Report };

/**
 * Puts a graph up for a stage: checks it against what is there, and adds it unless the check refuses. Whoever gives a reason may overrule the check, but
 * nobody can publish what does not compose.
 *
 * @throws {StalePublicationError} when somebody else published between the check and the end; nothing was published then
 */
export async function publish(stage: Stage, after: Graph, options: PublishOptions): Promise<PublishResult> {
  return add({ stage, after, kind: 'publish', takenFrom: null }, options);
}

/** Puts the graph of one stage up for another, checked against what that one's clients do. */
export async function promote(from: Stage, to: Stage, options: PublishOptions): Promise<PublishResult> {
  const source = await options.registry.latest(from);
  if (!source) throw new NothingPublishedError(`Nothing is published for ${from} yet.`);
  const takenFrom = `${from} ${source.number}`;
  return add({ stage: to, after: graphOf(source), kind: 'promote', takenFrom }, options);
}

/** Puts an earlier graph up again, as a new publication. In need there is no time to argue: the check is recorded, and refuses nothing. */
export async function rollback(
  stage: Stage,
  number: number,
  options: PublishOptions & { reason: string },
): Promise<PublishResult> {
  const source = await options.registry.publication(stage, number);
  if (!source) throw new NothingPublishedError(`There is no publication ${number} of ${stage}.`);
  return add({ stage, after: graphOf(source), kind: 'rollback', takenFrom: `${stage} ${number}` }, options);
}

interface Addition {
  stage: Stage;
  after: Graph;
  kind: Publication['kind'];
  takenFrom: string | null;
}

async function add({ stage, after, kind, takenFrom }: Addition, options: PublishOptions): Promise<PublishResult> {
  const { registry, author, reason, now, cacheFolder, announce } = options;
  const latest = await registry.latest(stage);
  const report = await check(await requestFor(latest, after, options));
  const hash = graphHashOf(after.subgraphs);
  if (latest?.hash === hash) return { outcome: 'unchanged', publication: latest, report };
  const composed = await publishedContracts(after.subgraphs, cacheFolder);
  if (!composed || (!report.passed && reason === null)) return { outcome: 'refused', report };

  const publication: Publication = {
    stage,
    number: (latest?.number ?? 0) + 1,
    kind,
    takenFrom,
    author,
    publishedAt: now.toISOString(),
    reason,
    check: summaryOf(report),
    hash,
    subgraphs: after.subgraphs,
    contracts: composed,
  };
  await registry.append(publication);
  await announce(publication);
  return { outcome: 'published', publication, report };
}

/** What a check against the registry looks at. */
export async function requestFor(
  latest: Publication | null,
  after: Graph,
  { registry, approvals, cacheFolder, now }: Pick<PublishOptions, 'registry' | 'approvals' | 'cacheFolder' | 'now'>,
): Promise<CheckRequest> {
  const before = latest && graphOf(latest);
  return {
    before,
    after,
    ...(await clientsOf(registry, now)),
    approvals,
    today: now.toISOString().slice(0, 10),
    cacheFolder,
  };
}

async function publishedContracts(subgraphs: readonly SubgraphSdl[], cacheFolder: string | null) {
  const composition = await compositionOf(subgraphs, cacheFolder);
  const published = contracts.flatMap((contract) => {
    const composed = composition.contracts[contract];
    return composed ? [[contract, { ...composed, hash: supergraphHash(composed.supergraph) }] as const] : [];
  });
  return published.length < contracts.length
    ? null
    : (Object.fromEntries(published) as Record<Contract, PublishedContract>);
}

function summaryOf({ passed, changes }: Report): CheckSummary {
  const count = (verdict: string) => changes.filter((change) => change.verdict === verdict).length;
  return {
    passed,
    breaking: count('breaking'),
    exposing: count('exposing'),
    dangerous: count('dangerous'),
    safe: count('safe'),
    changes: changes.filter(({ verdict }) => verdict !== 'safe').map(idOf),
  };
}
