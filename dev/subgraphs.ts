import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export const subgraphs = ['user', 'catalog', 'cart', 'order', 'payment'] as const;
export type SubgraphName = (typeof subgraphs)[number];

export function workspaceOf(subgraph: SubgraphName): string {
  return fileURLToPath(new URL(`../subgraphs/${subgraph}`, import.meta.url));
}
