import { readFileSync } from 'node:fs';
import { gqlPluckFromCodeString } from '@graphql-tools/graphql-tag-pluck';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  parse,
  Source,
  visit,
} from 'graphql';

/** One operation of a client with the fragments it needs, ready to be sent. */
export interface ClientOperation {
  name: string;
  type: OperationDefinitionNode['operation'];
  document: DocumentNode;
}

export interface ClientDocuments {
  operations: ClientOperation[];
  /** What is no GraphQL, has no name, or has a name that is taken. */
  faults: GraphQLError[];
}

/**
 * Reads the operations that a client's files hold: all of a `.graphql` file; in code, what stands behind the tag `gql` or `graphql`, or behind the
 * comment `GraphQL`. Fragments may be defined in any of the files.
 */
export async function readClientDocuments(files: readonly string[]): Promise<ClientDocuments> {
  const faults: GraphQLError[] = [];
  const definitions = (await Promise.all(files.map(sourcesIn))).flat().flatMap((source) => {
    try {
      return parse(source).definitions;
    } catch (error) {
      faults.push(error as GraphQLError);
      return [];
    }
  });
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations = new Map<string, OperationDefinitionNode>();
  for (const node of definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) addOnce(fragments, node, faults);
    if (node.kind === Kind.OPERATION_DEFINITION) addOnce(operations, node, faults);
  }
  return {
    operations: [...operations].map(([name, node]) => ({
      name,
      type: node.operation,
      document: withFragments(node, fragments),
    })),
    faults,
  };
}

async function sourcesIn(file: string): Promise<Source[]> {
  const text = readFileSync(file, 'utf8');
  if (/\.(graphql|gql)$/.test(file)) return [new Source(text, file)];
  const options = { globalGqlIdentifierName: ['gql', 'graphql'], skipIndent: true };
  const plucked = await gqlPluckFromCodeString(file, text, options).catch((error: Error) => {
    throw new Error(`${file} is no code that can be read: ${error.message}`, { cause: error });
  });
  return plucked.map(({ body, locationOffset }) => new Source(body, file, locationOffset));
}

/** Gateways register operations by name, and a document cannot hold two fragments of one name. */
function addOnce<Node extends FragmentDefinitionNode | OperationDefinitionNode>(
  known: Map<string, Node>,
  node: Node,
  faults: GraphQLError[],
): void {
  const name = node.name?.value;
  if (!name) {
    faults.push(
      new GraphQLError('An operation needs a name: by it clients are told apart, and it is registered.', {
        nodes: node,
      }),
    );
    return;
  }
  const other = known.get(name);
  if (other) faults.push(new GraphQLError(`There are two of the name "${name}".`, { nodes: [other, node] }));
  else known.set(name, node);
}

/** A fragment that is missing is left for validation to name. */
function withFragments(
  operation: OperationDefinitionNode,
  fragments: Map<string, FragmentDefinitionNode>,
): DocumentNode {
  const needed = new Map<string, FragmentDefinitionNode>();
  const collect = (node: OperationDefinitionNode | FragmentDefinitionNode) => {
    visit(node, {
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value);
        if (!fragment || needed.has(name.value)) return;
        needed.set(name.value, fragment);
        collect(fragment);
      },
    });
  };
  collect(operation);
  return { kind: Kind.DOCUMENT, definitions: [operation, ...needed.values()] };
}
