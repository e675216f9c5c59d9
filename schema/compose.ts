import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { composeServices } from '@apollo/composition';
import { applyTagFilterOnSubgraphs } from '@theguild/federation-composition';
import { type DocumentNode, parse } from 'graphql';
import { apiOf, type Contract } from './contracts.ts';
import { forApolloGateway } from './for-apollo-gateway.ts';
import { composeManifest } from './manifest.ts';
import { readSubgraphSdl, subgraphNames } from './subgraphs.ts';

/**
 * Words. The *supergraph* tells a gateway which subgraph answers which field. A *contract* is a supergraph with everything of a given tag
 * hidden: the storefront's is the graph without what is tagged `admin`. An *API schema* is what clients of a supergraph see.
 */
export interface SubgraphDefinition {
  name: string;
  /** A stable local name. Each gateway maps it to the real address, which differs from one place to the next. */
  url: string;
  typeDefs: DocumentNode;
}

/** What is composed and committed, as file name → text. Throws with every reason when the subgraphs do not fit together. */
export function composeFiles(): Map<string, string> {
  const admin = compose(subgraphDefinitions(), 'admin');
  const storefront = compose(withoutTag('admin', subgraphDefinitions()), 'storefront');
  const files = {
    'supergraph.graphql': admin.supergraph,
    'gateway/admin.graphql': forApolloGateway(admin.supergraph),
    'gateway/storefront.graphql': forApolloGateway(storefront.supergraph),
    'api/admin.graphql': admin.api,
    'api/storefront.graphql': storefront.api,
  };
  return new Map([
    ...Object.entries(files).map(([file, text]) => [file, `${header}${text.trim()}\n`] as const),
    ['manifests/storefront.json', composeManifest('storefront', storefront.api)],
    ['manifests/admin.json', composeManifest('admin', admin.api)],
  ]);
}

export function subgraphDefinitions(): SubgraphDefinition[] {
  return subgraphNames.map((name) => ({
    name,
    url: `http://${name}.internal/graphql`,
    typeDefs: parse(readSubgraphSdl(name)),
  }));
}

/** Composes subgraphs into a supergraph and the API schema of a contract. A hint counts as an error: it says that subgraphs drift apart. */
export function compose(subgraphs: SubgraphDefinition[], contract: Contract): { supergraph: string; api: string } {
  const { errors, hints, supergraphSdl, schema } = composeServices(subgraphs);
  const complaints = errors ?? hints;
  if (complaints.length > 0 || !schema) {
    throw new Error(`The subgraphs do not compose:\n${complaints.map(({ message }) => `- ${message}`).join('\n')}`);
  }
  return { supergraph: supergraphSdl, api: apiOf(contract, schema.toAPISchema().toGraphQLJSSchema()) };
}

export function withoutTag(tag: string, subgraphs: SubgraphDefinition[]): SubgraphDefinition[] {
  return applyTagFilterOnSubgraphs(subgraphs, { include: new Set(), exclude: new Set([tag]) });
}

const header = '# Made by `npm run compose` from the subgraphs in this folder. Change those, not this.\n\n';

/** The committed files whose text is not what composing gives now. */
export function outdatedFiles(): string[] {
  return [...composeFiles()].filter(([file, text]) => readIfThere(locate(file)) !== text).map(([file]) => file);
}

function locate(file: string): URL {
  return new URL(file, import.meta.url);
}

function readIfThere(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function main(mode: string | undefined): void {
  if (mode === '--check') {
    const outdated = outdatedFiles();
    if (outdated.length === 0) return;
    console.error(`Not what composing gives now: ${outdated.join(', ')}. Run \`npm run compose\` and commit.`);
    process.exitCode = 1;
    return;
  }
  for (const [file, text] of composeFiles()) {
    mkdirSync(new URL('.', locate(file)), { recursive: true });
    writeFileSync(locate(file), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);
