import { graphOf } from '../lint/graph.ts';
import { rules } from '../lint.ts';
import { documentOf, type Place, placeOfCoordinate, type SubgraphSdl } from './subgraph-sdl.ts';

/** Where a subgraph's SDL does not keep the rules of the house. */
export interface LintFinding {
  rule: string;
  message: string;
  /** What to do about findings of this rule. */
  hint: string;
  subgraph: string | null;
  place: Place | null;
}

/** What lint finds after a change that it did not find before: whoever changes one thing need not mend all others. */
export function newLintFindings(before: readonly SubgraphSdl[], after: readonly SubgraphSdl[]): LintFinding[] {
  const known = new Set(lintFindings(before).map(({ rule, message }) => `${rule} ${message}`));
  return lintFindings(after).filter(({ rule, message }) => !known.has(`${rule} ${message}`));
}

function lintFindings(subgraphs: readonly SubgraphSdl[]): LintFinding[] {
  const graph = graphOf(new Map(subgraphs.map((subgraph) => [subgraph.name, documentOf(subgraph)])));
  return Object.entries(rules).flatMap(([rule, run]) =>
    run(graph).map((message) => {
      const [, name, coordinate = message.split(' ')[0] ?? ''] =
        /^(\w+): (?:the description of )?([\w.]+(?:\(\w+:\))?)/.exec(message) ?? [];
      const subgraph = subgraphs.find((candidate) => candidate.name === name);
      const place = (subgraph && placeOfCoordinate(subgraph, documentOf(subgraph), coordinate)) ?? null;
      return { rule, message, hint: hints[rule as keyof typeof rules], subgraph: subgraph?.name ?? null, place };
    }),
  );
}

const hints: Record<keyof typeof rules, string> = {
  access:
    'Say who may read it: @public, @owned, @authenticated, @requiresScopes(scopes: …) or @inaccessible, on the field or on its type.',
  adminTags: 'What needs a scope is for staff: add @tag(name: "admin") there and to the input types made for it.',
  cacheHints:
    'Take @cacheControl away, or give it either maxAge from 0 to 60 or inheritMaxAge, on what is @public or a value type.',
  descriptions: 'Write one sentence above it that tells a client developer more than its name does.',
  lists:
    'Return a connection with @listSize(slicingArguments: ["first"], …), or bound the list and say "At most …" in its description.',
  liveFields:
    'Give a field of Subscription @live(query: …), naming a field of Query in the same subgraph with the same type and guard.',
  naming:
    'Rename it before anybody uses it: types in PascalCase, fields in camelCase, enum values in SCREAMING_SNAKE_CASE.',
  nodes:
    'Give the type an id prefix in platform/src/id-prefixes.ts, and a stub with resolvable: false beside node(id:).',
  nullability:
    'Take the "!" away: one subgraph that is down, or one field that may not be seen, should cost that field only.',
  payloads: 'Follow nounVerb(input: NounVerbInput!): NounVerbPayload with userErrors: [XUserError!]! in the payload.',
  rootMarks: 'Move the mark to the root field that leads here.',
};
