import type { FetchNode } from '@apollo/query-planner';
import { documentHash } from '@souk/platform/document-hash';
import { NotCompilable } from './not-compilable.ts';

/** A request to a subgraph, written down. */
export interface SubgraphRequest {
  operation: PreparedOperation;
  /** Its variables, as JSON text. */
  variables: string;
}

/** What all requests of a fetch have in common. */
export interface PreparedOperation {
  query: string;
  operationName: string | undefined;
  isMutation: boolean;
  /** What their JSON text begins with: all but the variables. */
  start: string;
  /** The hash of that. Requests are equal when this and their variables are. */
  hash: string;
}

/** The JSON text that is sent. */
export function bodyOf({ operation, variables }: SubgraphRequest): string {
  return `${operation.start},"variables":${variables}}`;
}

/**
 * Prepares the requests of a fetch: their bodies begin alike, and only the variables are written anew.
 *
 * The planner numbers the fetches of a plan in the names of their operations. Without these numbers equal requests have equal bytes.
 *
 * @returns a function from the client's variables, and the JSON text of the representations (without brackets) for an entity fetch, to a request
 * @throws {NotCompilable}
 */
export function prepareRequests(
  node: FetchNode,
): (variables: Readonly<Record<string, unknown>>, representations: string | undefined) => SubgraphRequest {
  const operation = prepare(node);
  const names = node.variableUsages ?? [];
  if (node.requires && names.includes('representations')) throw new NotCompilable('a variable called representations');

  return (variables, representations) => {
    let given = representations === undefined ? '' : `"representations":[${representations}]`;
    for (const name of names) {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value !== undefined) given += `${given === '' ? '' : ','}"${name}":${JSON.stringify(value)}`;
    }
    return { operation, variables: `{${given}}` };
  };
}

function prepare({ operation, operationName, operationKind }: FetchNode): PreparedOperation {
  const numbered = `${operationKind} ${operationName}`;
  const name = operationName?.replace(/__\d+$/, '');
  return name && operation.startsWith(numbered)
    ? prepareOperation(`${operationKind} ${name}${operation.slice(numbered.length)}`, name)
    : prepareOperation(operation, operationName);
}

/** @param query begins with the operation's kind, as the planner writes it */
export function prepareOperation(query: string, operationName?: string): PreparedOperation {
  const start = JSON.stringify({ query, operationName }).slice(0, -1);
  return { query, operationName, isMutation: query.startsWith('mutation'), start, hash: documentHash(start) };
}
