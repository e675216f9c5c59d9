import type { CompositionResult } from '@apollo/composition';
import type { DocumentNode, GraphQLError } from 'graphql';
import type { Contract } from '../contracts.ts';
import { explain } from './explanations.ts';
import { type Place, placeOfCoordinate, placeOfLine, type SubgraphSdl } from './subgraph-sdl.ts';

/** Why subgraphs do not fit together, in the composer's words and in plain ones. */
export interface CompositionFinding {
  code: string;
  message: string;
  cause: string;
  fix: string;
  /** Contracts that do not compose for this reason. */
  contracts: readonly Contract[];
  subgraphs: readonly string[];
  /** The places to look at, the likeliest first. */
  places: readonly Place[];
}

type CompositionHint = NonNullable<CompositionResult['hints']>[number];

interface Surroundings {
  contract: Contract;
  subgraphs: readonly SubgraphSdl[];
  documents: ReadonlyMap<string, DocumentNode>;
}

/** Explains what Apollo's composition complains about. */
export function findingOf(
  complaint: GraphQLError | CompositionHint,
  { contract, subgraphs, documents }: Surroundings,
): CompositionFinding {
  const isHint = 'definition' in complaint;
  const code = isHint ? complaint.definition.code : String(complaint.extensions['code'] ?? 'UNKNOWN');
  const { message } = complaint;
  const named = subgraphs.filter(({ name }) => message.includes(`"${name}"`) || message.startsWith(`[${name}]`));
  const places = [
    ...placesOfNodes(complaint, subgraphs),
    ...placesOfCoordinates(message, named.length > 0 ? named : subgraphs, documents),
  ];
  return {
    code,
    message: message.replace(/^\[\w+\] /, ''),
    ...explain(code),
    contracts: [contract],
    subgraphs: named.map(({ name }) => name),
    places: distinct(places).slice(0, 4),
  };
}

/** The finding for SDL that is no GraphQL at all. */
export function notComposed(error: GraphQLError, subgraph: SubgraphSdl): CompositionFinding {
  const line = error.locations?.[0]?.line ?? 1;
  return {
    code: 'INVALID_GRAPHQL',
    message: error.message,
    cause: `The SDL of ${subgraph.name} cannot be read.`,
    fix: 'Correct it at the line given: often a bracket or a quotation mark is missing just above.',
    contracts: [],
    subgraphs: [subgraph.name],
    places: [placeOfLine(subgraph, line)],
  };
}

/** Composition knows which nodes it speaks of; their source is named for the subgraph. */
function placesOfNodes(complaint: GraphQLError | CompositionHint, subgraphs: readonly SubgraphSdl[]): Place[] {
  return (complaint.nodes ?? []).flatMap((node) => {
    const subgraph = subgraphs.find(({ name }) => name === node.loc?.source.name);
    const token = 'name' in node && node.name && 'loc' in node.name ? node.name.loc?.startToken : node.loc?.startToken;
    return subgraph && token ? [placeOfLine(subgraph, token.line)] : [];
  });
}

/** Where the coordinates that a message quotes are defined. */
function placesOfCoordinates(
  message: string,
  subgraphs: readonly SubgraphSdl[],
  documents: ReadonlyMap<string, DocumentNode>,
): Place[] {
  const coordinates = [...message.matchAll(/"(@?[A-Za-z_]\w*(?:\.\w+(?:\(\w+:\))?)?)"/g)].map(
    ([, quoted = '']) => quoted,
  );
  return coordinates.flatMap((coordinate) =>
    subgraphs.flatMap((subgraph) => {
      const document = documents.get(subgraph.name);
      const place = document && placeOfCoordinate(subgraph, document, coordinate);
      return place ? [place] : [];
    }),
  );
}

function distinct(places: Place[]): Place[] {
  return [...new Map(places.map((place) => [`${place.file}:${place.line}`, place])).values()];
}
