import { type CompositionResult, composeServices } from '@apollo/composition';
import { applyTagFilterOnSubgraphs } from '@theguild/federation-composition';
import type { DocumentNode, GraphQLError } from 'graphql';
import { apiOf, type Contract, contracts, hiddenTags } from '../contracts.ts';
import { type CompositionFinding, findingOf, notComposed } from './composition-finding.ts';
import { secondOpinion } from './second-composer.ts';
import { documentOf, type SubgraphSdl } from './subgraph-sdl.ts';

/** What a contract is made of when subgraphs fit together. */
export interface ComposedContract {
  supergraph: string;
  api: string;
}

export interface Composition {
  /** Empty when the subgraphs do not compose. */
  contracts: Partial<Record<Contract, ComposedContract>>;
  findings: readonly CompositionFinding[];
}

/**
 * Composes every contract with Apollo's composition, and asks a second composer whether it agrees: who runs another gateway than ours depends on
 * that. A hint counts as an error, because it says that subgraphs drift apart.
 */
export function composeContracts(subgraphs: readonly SubgraphSdl[]): Composition {
  const { documents, findings } = parseAll(subgraphs);
  if (findings.length > 0) return { contracts: {}, findings };

  const results = contracts.map((contract) => [contract, compose(documents, hiddenTags[contract])] as const);
  const complaints = dedupe(
    results.flatMap(([contract, { errors, hints }]) =>
      [...(errors ?? []), ...hintsOf(hints)].map((complaint) =>
        findingOf(complaint, { contract, subgraphs, documents }),
      ),
    ),
  );
  if (results.some(([, { errors }]) => errors)) return { contracts: {}, findings: complaints };

  const composed = Object.fromEntries(
    results.map(([contract, result]) => [contract, composedContract(contract, result)]),
  ) as Record<Contract, ComposedContract>;
  return { contracts: composed, findings: [...complaints, ...secondOpinion(documents, composed)] };
}

/** Composition that fails gives no hints. */
function hintsOf(hints: CompositionResult['hints'] | undefined): NonNullable<CompositionResult['hints']> {
  return hints ?? [];
}

function compose(documents: ReadonlyMap<string, DocumentNode>, hidden: readonly string[]): CompositionResult {
  const services = [...documents].map(([name, typeDefs]) => ({
    name,
    url: `http://${name}.internal/graphql`,
    typeDefs,
  }));
  if (hidden.length === 0) return composeServices(services);
  return composeServices(applyTagFilterOnSubgraphs(services, { include: new Set(), exclude: new Set(hidden) }));
}

function composedContract(contract: Contract, { schema, supergraphSdl = '' }: CompositionResult): ComposedContract {
  return {
    supergraph: supergraphSdl,
    api: schema ? apiOf(contract, schema.toAPISchema().toGraphQLJSSchema()) : '',
  };
}

function parseAll(subgraphs: readonly SubgraphSdl[]) {
  const documents = new Map<string, DocumentNode>();
  const findings: CompositionFinding[] = [];
  for (const subgraph of subgraphs) {
    try {
      documents.set(subgraph.name, documentOf(subgraph));
    } catch (error) {
      findings.push(notComposed(error as GraphQLError, subgraph));
    }
  }
  return { documents, findings };
}

/** What is wrong in the whole graph is wrong in its parts too; it is said once. */
function dedupe(findings: CompositionFinding[]): CompositionFinding[] {
  const seen = new Map<string, CompositionFinding>();
  for (const finding of findings) {
    const key = `${finding.code} ${finding.message}`;
    const known = seen.get(key);
    seen.set(key, known ? { ...known, contracts: [...known.contracts, ...finding.contracts] } : finding);
  }
  return [...seen.values()];
}
