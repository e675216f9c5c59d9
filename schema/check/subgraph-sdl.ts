import { type ASTNode, type DocumentNode, Kind, parse, Source } from 'graphql';

/** The SDL of one subgraph, in the files it is written in, one after the other. */
export interface SubgraphSdl {
  name: string;
  parts: readonly SdlPart[];
}

export interface SdlPart {
  /** As messages call it: a path from the root of the repository, or a URL. */
  file: string;
  text: string;
}

/** Where something stands; lines count from 1. */
export interface Place {
  file: string;
  line: number;
}

/** The whole text of a subgraph's SDL. */
export function textOf({ parts }: SubgraphSdl): string {
  return parts.map(({ text }) => text).join('');
}

const documents = new WeakMap<SubgraphSdl, DocumentNode>();

/**
 * The SDL as a document, which is parsed once.
 *
 * @throws {GraphQLError} with the file and line in its message, when the SDL is no GraphQL
 */
export function documentOf(subgraph: SubgraphSdl): DocumentNode {
  const known = documents.get(subgraph);
  if (known) return known;
  const document = parse(new Source(textOf(subgraph), subgraph.name));
  documents.set(subgraph, document);
  return document;
}

/** The place of a line of the whole text in the file it comes from. */
export function placeOfLine({ parts }: SubgraphSdl, line: number): Place {
  let left = line;
  for (const { file, text } of parts) {
    const lines = text.split('\n').length - 1;
    if (left <= lines || file === parts.at(-1)?.file) return { file, line: left };
    left -= lines;
  }
  return { file: '', line };
}

/**
 * Where a schema coordinate (https://github.com/graphql/graphql-wg/blob/main/rfcs/SchemaCoordinates.md), such as `Order.lines(first:)`, is defined:
 * itself, or what it was defined in when it is gone.
 */
export function placeOfCoordinate(
  subgraph: SubgraphSdl,
  document: DocumentNode,
  coordinate: string,
): Place | undefined {
  const [typeName = '', ...inner] = coordinate
    .replace(/^@/, '')
    .split(/[.():]+/)
    .filter(Boolean);
  const types = document.definitions.filter((node) => nameOf(node) === typeName);
  const found = types
    .map((type) => descend(type, inner))
    .sort((a, b) => b.depth - a.depth)
    .at(0)?.node;
  return found?.loc && placeOfLine(subgraph, lineOf(found));
}

function descend(node: ASTNode, path: readonly string[], depth = 0): { node: ASTNode; depth: number } {
  const [next, ...rest] = path;
  const member = next === undefined ? undefined : membersOf(node).find((candidate) => nameOf(candidate) === next);
  return member ? descend(member, rest, depth + 1) : { node, depth };
}

function membersOf(node: ASTNode): readonly ASTNode[] {
  const parts = node as unknown as Partial<Record<'fields' | 'arguments' | 'values', readonly ASTNode[]>>;
  return [...(parts.fields ?? []), ...(parts.arguments ?? []), ...(parts.values ?? [])];
}

function nameOf(node: ASTNode): string | undefined {
  return 'name' in node && node.name?.kind === Kind.NAME ? node.name.value : undefined;
}

/** The line of the name: a definition begins with its description, which is not what a reader looks for. */
function lineOf(node: ASTNode): number {
  const named = 'name' in node && node.name?.kind === Kind.NAME ? node.name : node;
  return named.loc?.startToken.line ?? 1;
}
