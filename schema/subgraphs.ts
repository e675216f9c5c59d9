import { readFileSync } from 'node:fs';

/** The subgraphs the graph is composed of: the one list of them. Each is described in `<name>.graphql` beside this file. */
export const subgraphNames = ['user', 'catalog', 'cart', 'order', 'payment'] as const;
export type SubgraphName = (typeof subgraphNames)[number];

/** The whole SDL of a subgraph: what all of them define alike, then its own part. */
export function readSubgraphSdl(name: SubgraphName): string {
  return read('_common.graphql') + read(`${name}.graphql`);
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}
