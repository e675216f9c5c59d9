import type { ConditionValues } from './condition-values.ts';
import type { Graph } from './graph.ts';
import { NotCompilable } from './not-compilable.ts';
import { type SourceFields, sourceFieldsOf } from './source-fields.ts';
import type { Fetch } from './steps.ts';

/** A place in the response tree, whatever the indices of the lists on the way. */
export interface Position {
  path: readonly string[];
  /** In the order of the plan: the newest last. No two are of the same fetch. */
  sources: Source[];
  below: Map<string, Position>;
}

/** A fetch that supplies fields at a position. */
export interface Source {
  fetch: Fetch;
  /** `base`: the objects are part of a larger answer. `attached`: each is an entity that was fetched for the objects which were there. */
  kind: 'base' | 'attached';
  fields: SourceFields;
}

/** Lays out which fetch supplies what, and where. */
export function positionsOf(fetches: readonly Fetch[], conditions: ConditionValues): Position {
  const root = createPosition([]);
  for (const fetch of fetches) {
    const position = fetch.path.filter((element) => element !== '@').reduce(at, root);
    addSource(position, {
      fetch,
      kind: fetch.node.requires ? 'attached' : 'base',
      fields: sourceFieldsOf(fetch, conditions),
    });
  }
  return root;
}

/** The position of a field's objects. */
export function at({ path, below }: Position, name: string): Position {
  const known = below.get(name) ?? createPosition([...path, name]);
  below.set(name, known);
  return known;
}

/** The sources with a field at a position, newest first; for objects of one type, or of any. */
export function providersOf({ sources }: Position, name: string, graph: Graph, type?: string): Source[] {
  return sources
    .filter(({ fields }) => {
      const conditions = fields.get(name)?.conditions ?? [];
      return conditions.some((all) => type === undefined || all.every((one) => graph.typenamesFor(one).has(type)));
    })
    .reverse();
}

export function baseSources({ sources }: Position): Source[] {
  return sources.filter(({ kind }) => kind === 'base');
}

export function attachedSources({ sources }: Position): Source[] {
  return sources.filter(({ kind }) => kind === 'attached');
}

/** Whether an object that is visited here may lack this source. Where only one fetch can have brought it, that one has. */
export function mayBeAbsent(position: Position, { kind }: Source): boolean {
  return kind === 'attached' || (position.path.length > 0 && baseSources(position).length > 1);
}

function createPosition(path: readonly string[]): Position {
  return { path, sources: [], below: new Map() };
}

function addSource(position: Position, source: Source): void {
  if (position.sources.some(({ fetch }) => fetch === source.fetch)) throw new NotCompilable('a source twice');
  position.sources.push(source);
  for (const [name, { fields }] of source.fields) {
    if (fields) addSource(at(position, name), { fetch: source.fetch, kind: 'base', fields });
  }
}
