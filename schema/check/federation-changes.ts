import type { DocumentNode } from 'graphql';
import { directiveChanges } from './federation/directives.ts';
import type { FederationChange } from './federation/federation-change.ts';
import { guardChanges } from './federation/guards.ts';
import { marksOf } from './federation/marks.ts';
import { placementChanges } from './federation/placement.ts';

/** What changed in the SDL of subgraphs that clients' API schemas do not tell. A subgraph that is new or gone has nothing on that side. */
export function federationChanges(
  before: ReadonlyMap<string, DocumentNode>,
  after: ReadonlyMap<string, DocumentNode>,
): FederationChange[] {
  const pairs = [...new Set([...before.keys(), ...after.keys()])].map((name) => ({
    name,
    before: marksOf(before.get(name) ?? nothing),
    after: marksOf(after.get(name) ?? nothing),
  }));
  return [...guardChanges(pairs), ...directiveChanges(pairs), ...placementChanges(pairs)];
}

const nothing: DocumentNode = { kind: 'Document' as DocumentNode['kind'], definitions: [] };
