import DataLoader from 'dataloader';
import type { Connection } from './connection.ts';

/** One statement reads at most this many keys. */
const MAX_BATCH_SIZE = 250;

/**
 * Loads one row per key. Keys asked for in the same turn become one `load`; a key without a row gives null.
 * Make loaders anew for each request, because they remember what they read.
 *
 * @param load any order, missing rows left out
 * @param key  the key of a row, spelled as it is asked for
 */
export function loaderByKey<Row>({
  load,
  key,
}: {
  load: (keys: readonly string[]) => Promise<readonly Row[]>;
  key: (row: Row) => string;
}): DataLoader<string, Row | null> {
  return new DataLoader<string, Row | null>(
    async (keys) => {
      const rows = new Map((await load(keys)).map((row) => [key(row), row]));
      return keys.map((each) => rows.get(each) ?? null);
    },
    { maxBatchSize: MAX_BATCH_SIZE },
  );
}

/**
 * Loads all rows per key, in the order `load` gives them; none for a key without rows. For lists that are small by nature:
 * one that can grow is paged with `loaderOfPages`.
 */
export function loaderOfMany<Row>({
  load,
  key,
}: {
  load: (keys: readonly string[]) => Promise<readonly Row[]>;
  key: (row: Row) => string;
}): DataLoader<string, Row[]> {
  return new DataLoader<string, Row[]>(
    async (keys) => {
      const rows = Map.groupBy(await load(keys), key);
      return keys.map((each) => rows.get(each) ?? []);
    },
    { maxBatchSize: MAX_BATCH_SIZE },
  );
}

/**
 * Loads a page per parent. Parents asked for with equal arguments, as one field of one document has them, become one `load`,
 * which is `pageOfMany` in most cases and must return a page for each parent.
 */
export function loaderOfPages<Args, Row>({
  load,
}: {
  load: (parents: readonly string[], args: Args) => Promise<ReadonlyMap<string, Connection<Row>>>;
}): DataLoader<{ parent: string; args: Args }, Connection<Row>, string> {
  return new DataLoader<{ parent: string; args: Args }, Connection<Row>, string>(
    async (keys) => {
      const groups = Map.groupBy(keys, ({ args }) => JSON.stringify(args));
      const loaded = await Promise.allSettled(
        [...groups.values()].map((group) =>
          load(
            group.map(({ parent }) => parent),
            (group[0] as { args: Args }).args,
          ),
        ),
      );
      const pages = new Map([...groups.keys()].map((args, index) => [args, loaded[index]]));
      return keys.map(({ parent, args }) => {
        const outcome = pages.get(JSON.stringify(args));
        if (outcome?.status !== 'fulfilled') return asError(outcome?.reason);
        return outcome.value.get(parent) ?? new Error(`Expected a page for ${parent}, got none.`);
      });
    },
    { maxBatchSize: MAX_BATCH_SIZE, cacheKeyFn: (key) => JSON.stringify([key.parent, key.args]) },
  );
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
