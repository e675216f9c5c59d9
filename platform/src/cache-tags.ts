/**
 * What kept answers were made from, and when that last changed.
 *
 * Words. A *tag* names something an answer was made from: one thing, as `product:prod_…`, or, by the kind alone, as `product`, which things of that kind there
 * are and everything about them. An answer with a tag is stale once the tag was *changed* after the answer began to be made; changing a thing changes its kind.
 *
 * Subgraphs collect the tags of an answer while they read, tell the gateway in the answer's `extensions`, which go no further, and say what changed once their
 * transaction has ended (cache-invalidation.ts). The gateway compares times of one clock, that of Redis (cache-tag-times.ts).
 */
export interface CacheTags {
  /** The answer was made from these things; without ids, from which things of the kind there are. */
  add(kind: string, ids?: Iterable<string>): void;
  list(): string[];
}

/** An answer made from more things of a kind is treated as made from all of them: a page of an answer must not cost hundreds of look-ups. */
const MAX_THINGS = 50;

/** Collects the tags of one answer. */
export function collectCacheTags(): CacheTags {
  const kinds = new Map<string, Set<string> | 'all'>();
  return {
    add(kind, ids) {
      const things = kinds.get(kind) ?? new Set<string>();
      if (things === 'all') return;
      for (const id of ids ?? []) things.add(id);
      kinds.set(kind, ids === undefined || things.size > MAX_THINGS ? 'all' : things);
    },
    list: () =>
      [...kinds].flatMap(([kind, things]) => (things === 'all' ? [kind] : [...things].map((id) => tagOf(kind, id)))),
  };
}

/** The tag of one thing. */
export function tagOf(kind: string, id: string): string {
  return `${kind}:${id}`;
}

/** The kind a tag is of: itself, when it names no single thing. */
export function kindOfTag(tag: string): string {
  const [kind = tag] = tag.split(':', 1);
  return kind;
}

const EXTENSION = 'soukCacheTags';

/** What an answer says of its tags in its `extensions`; nothing where none were collected, so that an answer nobody tagged is kept by nobody. */
export function tagExtensions(tags: CacheTags | undefined): Record<string, string[]> | undefined {
  const list = tags?.list() ?? [];
  return list.length > 0 ? { [EXTENSION]: list } : undefined;
}

/** The tags that the `extensions` of an answer tell; undefined when they tell none. */
export function tagsIn(extensions: Record<string, unknown> | undefined): string[] | undefined {
  return extensions?.[EXTENSION] as string[] | undefined;
}
