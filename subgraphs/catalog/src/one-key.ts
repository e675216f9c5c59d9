import { badUserInput } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import type { IdKind } from '@souk/platform/id-prefixes';

interface Loader<Row> {
  load(key: string): Promise<Row | null>;
}

/**
 * Reads a thing by its id or by its other key, of which exactly one is given.
 *
 * @throws BAD_USER_INPUT when none or both are, or the id is of another kind
 */
export async function loadByOneKey<Row>(
  kind: IdKind,
  [id, byId]: [string | null | undefined, Loader<Row>],
  [name, key, byKey]: [name: string, key: string | null | undefined, Loader<Row>],
): Promise<Row | null> {
  const [hasId, hasKey] = [typeof id === 'string', typeof key === 'string'];
  if (hasId === hasKey)
    throw badUserInput(`Expected exactly one of id and ${name}, got ${hasId ? 'both' : 'neither'}.`);
  return typeof id === 'string' ? byId.load(parseId(kind, id)) : byKey.load(key ?? '');
}

/** Reads the thing that an entity reference speaks of, by whichever key it has. */
export function loadReferenced<Row>(
  reference: { id: string } | { slug: string } | { sku: string },
  byId: Loader<Row>,
  byKey: Loader<Row>,
): Promise<Row | null> {
  if ('id' in reference) return byId.load(reference.id);
  return byKey.load('slug' in reference ? reference.slug : reference.sku);
}
