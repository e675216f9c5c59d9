import { buildSchema, type DocumentNode, type GraphQLSchema } from 'graphql';
import { type Contract, contracts } from '../contracts.ts';
import { type ApiChange, apiChanges, feltByOperation } from './api-changes.ts';
import { type Approval, approve } from './approvals.ts';
import { type Change, fails, verdicts } from './change.ts';
import type { Composition } from './composition.ts';
import { compositionOf } from './composition-cache.ts';
import type { CompositionFinding } from './composition-finding.ts';
import {
  type Evidence,
  type FieldUsage,
  type RegisteredOperation,
  readEvidence,
  type StaleOperation,
} from './evidence.ts';
import type { FederationChange } from './federation/federation-change.ts';
import { federationChanges } from './federation-changes.ts';
import { feltByUsage } from './felt-by-usage.ts';
import type { LintFinding } from './lint-findings.ts';
import { documentOf, type Place, placeOfCoordinate, type SubgraphSdl, textOf } from './subgraph-sdl.ts';

/** A state of the graph. */
export interface Graph {
  /** How reports call it, such as `origin/main (1a2b3c4)`. */
  label: string;
  subgraphs: readonly SubgraphSdl[];
  /** What clients see of it, where that is known already and need not be composed again. */
  apis?: Readonly<Record<Contract, string>>;
}

export interface CheckRequest {
  /** What is published; null when nothing is yet. */
  before: Graph | null;
  after: Graph;
  operations: readonly RegisteredOperation[];
  /** What clients asked for lately. */
  usage: readonly FieldUsage[];
  /** On how many days of that time somebody recorded it. */
  usageDays: number;
  approvals: readonly Approval[];
  /** The day it would ship, `YYYY-MM-DD`, UTC. */
  today: string;
  /** Where composed graphs are kept for the next time; null to keep nothing. */
  cacheFolder: string | null;
}

export interface Report {
  /** Whether it may ship: it composes, nobody known breaks, nothing is exposed, and lint finds nothing new. */
  passed: boolean;
  before: string;
  after: string;
  composition: readonly CompositionFinding[];
  changes: readonly Change[];
  lint: readonly LintFinding[];
  /** Registered operations that were not valid even before. */
  stale: readonly StaleOperation[];
  operations: number;
  /** On how many of the days that count it was recorded what clients asked for; without any, only registered operations speak for them. */
  usageDays: number;
}

/** Tells what a change of subgraphs' SDL means before it ships: whether the graph composes, what its clients feel, and who must act. */
export async function check(request: CheckRequest): Promise<Report> {
  const { before, after, cacheFolder } = request;
  const unchanged = before !== null && sameText(before, after);
  const composed = await compositionOf(after.subgraphs, cacheFolder);
  const next = apisOf(composed);
  const schemas = schemasOf(before && !unchanged ? await apisOfGraph(before, cacheFolder) : next, next);
  const evidence = new Map([...schemas].map(([contract, pair]) => [contract, evidenceFor(contract, pair, request)]));
  // What does not compose is no graph yet that could be compared.
  const changes =
    before && !unchanged && schemas.size > 0 ? await changesBetween(before, request, schemas, evidence) : [];
  const lint = unchanged ? [] : await lintAfter(before?.subgraphs ?? [], after.subgraphs, composed.findings);
  return {
    passed: composed.findings.length === 0 && lint.length === 0 && !changes.some(fails),
    before: before?.label ?? 'nothing published yet',
    after: after.label,
    composition: composed.findings,
    changes,
    lint,
    stale: [...evidence.values()].flatMap(({ stale }) => stale),
    operations: request.operations.length,
    usageDays: request.usageDays,
  };
}

type Apis = Readonly<Partial<Record<Contract, string>>>;
type SchemaPairs = ReadonlyMap<Contract, { before: GraphQLSchema; after: GraphQLSchema }>;

async function apisOfGraph({ apis, subgraphs }: Graph, cacheFolder: string | null): Promise<Apis> {
  return apis ?? apisOf(await compositionOf(subgraphs, cacheFolder));
}

function apisOf(composition: Composition): Apis {
  return Object.fromEntries(Object.entries(composition.contracts).map(([contract, { api }]) => [contract, api]));
}

/** Of contracts that are there before and after. */
function schemasOf(before: Apis, after: Apis): SchemaPairs {
  return new Map(
    contracts.flatMap((contract) => {
      const [was, is] = [before[contract], after[contract]];
      return was && is ? [[contract, { before: buildSchema(was), after: buildSchema(is) }] as const] : [];
    }),
  );
}

function sameText(before: Graph, after: Graph): boolean {
  const text = ({ subgraphs }: Graph) =>
    JSON.stringify(subgraphs.map((subgraph) => [subgraph.name, textOf(subgraph)]).sort());
  return text(before) === text(after);
}

function evidenceFor(
  contract: Contract,
  { before, after }: { before: GraphQLSchema; after: GraphQLSchema },
  { operations, usage }: CheckRequest,
): Evidence {
  const ofContract = (item: { contract: Contract }) => item.contract === contract;
  return readEvidence({ operations: operations.filter(ofContract), usage: usage.filter(ofContract) }, before, after);
}

async function changesBetween(
  before: Graph,
  { after, today, approvals }: CheckRequest,
  schemas: SchemaPairs,
  evidence: ReadonlyMap<Contract, Evidence>,
): Promise<Change[]> {
  const [was, is] = [readableDocuments(before), readableDocuments(after)];
  const perContract = await Promise.all(
    [...schemas].map(([contract, pair]) => apiChanges(contract, { ...pair, today }, evidence.get(contract) ?? nobody)),
  );
  const seen = merge(perContract.flat()).map((change) => ({ ...change, subgraphs: sourcesOf(change, was, is) }));
  const unseen = federationChanges(was, is).map((change) => judged(change, schemas, evidence));
  const changes = [...seen, ...unseen].map((change) => ({
    ...change,
    place: placeOf(change, after, is),
    approval: null,
  }));
  return approve(changes, approvals, today).sort((a, b) => verdicts.indexOf(a.verdict) - verdicts.indexOf(b.verdict));
}

const nobody: Evidence = { operations: [], usage: [], stale: [] };

/** Clients of two contracts may see one change; the graver verdict counts. */
function merge(changes: readonly ApiChange[]): ApiChange[] {
  const merged = new Map<string, ApiChange>();
  for (const change of changes) {
    const key = `${change.kind} ${change.coordinate} ${change.message}`;
    const known = merged.get(key);
    if (!known) {
      merged.set(key, change);
      continue;
    }
    const graver = verdicts.indexOf(change.verdict) < verdicts.indexOf(known.verdict) ? change : known;
    const feltBy = [...known.feltBy, ...change.feltBy];
    merged.set(key, { ...graver, feltBy, contracts: [...known.contracts, ...change.contracts] });
  }
  return [...merged.values()];
}

function judged(
  { assessment, ...change }: FederationChange,
  schemas: SchemaPairs,
  evidence: ReadonlyMap<Contract, Evidence>,
): Omit<Change, 'place' | 'approval'> {
  const feltBy = [...evidence.values()].flatMap(({ operations, usage }) => [
    ...operations.flatMap((operation) => feltByOperation(operation, assessment)),
    ...feltByUsage(usage, assessment),
  ]);
  const { verdict, reason, remedy = null } = feltBy.length > 0 ? assessment.whenFelt : assessment.otherwise;
  const seenIn = [...schemas].filter(
    ([, { before, after }]) => shows(before, change.coordinate) || shows(after, change.coordinate),
  );
  return { ...change, verdict, reason, remedy, feltBy, contracts: seenIn.map(([contract]) => contract) };
}

function shows(schema: GraphQLSchema, coordinate: string): boolean {
  const [typeName = '', member] = coordinate.split(/[.(]/);
  const type = schema.getType(typeName);
  if (!type || member === undefined) return type !== undefined;
  if ('getFields' in type) return member in type.getFields();
  return 'getValue' in type && type.getValue(member) !== undefined;
}

/** The subgraphs that define a coordinate, or did, and say something else about it now. */
function sourcesOf({ coordinate }: ApiChange, was: Documents, is: Documents): string[] {
  const [typeName = ''] = coordinate.replace(/^@/, '').split(/[.(]/);
  const texts = (documents: Documents, name: string) =>
    (documents.get(name)?.definitions ?? [])
      .filter((node) => 'name' in node && node.name?.value === typeName)
      .map((node) => node.loc?.source.body.slice(node.loc.start, node.loc.end))
      .join();
  return [...new Set([...was.keys(), ...is.keys()])].filter((name) => texts(was, name) !== texts(is, name));
}

function placeOf(change: Pick<Change, 'coordinate' | 'subgraphs'>, { subgraphs }: Graph, is: Documents): Place | null {
  for (const name of change.subgraphs) {
    const subgraph = subgraphs.find((candidate) => candidate.name === name);
    const document = is.get(name);
    const place = subgraph && document && placeOfCoordinate(subgraph, document, change.coordinate);
    if (place) return place;
  }
  return null;
}

type Documents = ReadonlyMap<string, DocumentNode>;

/** Without what is no GraphQL: composition has said so already. */
function readableDocuments({ subgraphs }: Graph): Documents {
  return new Map(
    subgraphs.flatMap((subgraph) => {
      try {
        return [[subgraph.name, documentOf(subgraph)] as const];
      } catch {
        return [];
      }
    }),
  );
}

/** SDL that cannot be read cannot be linted. */
async function lintAfter(
  before: readonly SubgraphSdl[],
  after: readonly SubgraphSdl[],
  findings: readonly CompositionFinding[],
): Promise<LintFinding[]> {
  if (findings.some(({ code, contracts: affected }) => code === 'INVALID_GRAPHQL' && affected.length === 0)) return [];
  const { newLintFindings } = await import('./lint-findings.ts');
  return newLintFindings(before, after);
}
