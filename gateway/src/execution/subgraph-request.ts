import type { FetchNode } from '@apollo/query-planner';
import { NotCompilable } from './not-compilable.ts';

/** A request to a subgraph, written down. */
export interface SubgraphRequest {
  operation: PreparedOperation;
  /** The JSON text that is sent. */
  body: string;
}

/** What all requests of a fetch have in common. */
export interface PreparedOperation {
  query: string;
  operationName: string | undefined;
  isMutation: boolean;
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
  const start = JSON.stringify({ query: operation.query, operationName: operation.operationName }).slice(0, -1);

  return (variables, representations) => {
    let given = representations === undefined ? '' : `"representations":[${representations}]`;
    for (const name of names) {
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
      if (value !== undefined) given += `${given === '' ? '' : ','}"${name}":${JSON.stringify(value)}`;
    }
    return { operation, body: `${start},"variables":{${given}}}` };
  };
}

function prepare({ operation, operationName, operationKind }: FetchNode): PreparedOperation {
  const isMutation = operationKind === 'mutation';
  const numbered = `${operationKind} ${operationName}`;
  const name = operationName?.replace(/__\d+$/, '');
  if (!name || !operation.startsWith(numbered)) return { query: operation, operationName, isMutation };
  return { query: `${operationKind} ${name}${operation.slice(numbered.length)}`, operationName: name, isMutation };
}
