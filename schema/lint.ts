import { parse } from 'graphql';
import { accessRule } from './lint/access.ts';
import { adminTagRule } from './lint/admin-tags.ts';
import { cacheHintRule } from './lint/cache-hints.ts';
import { descriptionRule } from './lint/descriptions.ts';
import { graphOf, type Rule } from './lint/graph.ts';
import { listRule } from './lint/lists.ts';
import { liveFieldRule } from './lint/live-fields.ts';
import { namingRule } from './lint/naming.ts';
import { nodeRule } from './lint/nodes.ts';
import { nullabilityRule } from './lint/nullability.ts';
import { payloadRule } from './lint/payloads.ts';
import { rootMarkRule } from './lint/root-marks.ts';

/** What must hold in every subgraph's SDL beyond composing. */
export const rules = {
  access: accessRule,
  adminTags: adminTagRule,
  cacheHints: cacheHintRule,
  descriptions: descriptionRule,
  lists: listRule,
  liveFields: liveFieldRule,
  naming: namingRule,
  nodes: nodeRule,
  nullability: nullabilityRule,
  payloads: payloadRule,
  rootMarks: rootMarkRule,
} satisfies Record<string, Rule>;

/** Checks SDL, given by subgraph, and returns one sentence for each thing found. */
export function lint(sdlBySubgraph: Record<string, string>, chosen: Rule[] = Object.values(rules)): string[] {
  const documents = Object.entries(sdlBySubgraph).map(([name, sdl]) => [name, parse(sdl)] as const);
  const graph = graphOf(new Map(documents));
  return chosen.flatMap((rule) => rule(graph));
}
