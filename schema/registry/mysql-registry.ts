import { createHash } from 'node:crypto';
import { affectedRows, isDuplicateKey, openDatabase, transaction } from '@souk/platform/database';
import { and, desc, eq, getTableColumns, gte, lt, max, min, sql } from 'drizzle-orm';
import type { Contract } from '../contracts.ts';
import { operationsOf } from './directory-registry.ts';
import {
  type ClientManifest,
  type Publication,
  type PublicationHead,
  partsOf,
  type Registry,
  StalePublicationError,
} from './registry.ts';
import { clientManifests, fieldUsage, publications, usageSources } from './tables.ts';
import { firstDayKept, startOf } from './usage-days.ts';

/** A registry in a database of its own, for several publishers and gateways. `node dev/migrate.ts` makes the database and its account. */
export function mysqlRegistry(url: string, now: () => Date = () => new Date()): Registry {
  const { db, close } = openDatabase({ url, poolSize: 2 });
  let forgottenBefore: string | undefined;
  const read = async (condition: ReturnType<typeof and>, limit: number): Promise<Publication[]> => {
    const rows = await db.select().from(publications).where(condition).orderBy(desc(publications.number)).limit(limit);
    return rows.map(publicationOf);
  };

  return {
    async latest(stage) {
      return (await read(eq(publications.stage, stage), 1))[0] ?? null;
    },
    async publication(stage, number) {
      return (await read(and(eq(publications.stage, stage), eq(publications.number, number)), 1))[0] ?? null;
    },
    async supergraph(variant, knownHash) {
      const { contract, stage } = partsOf(variant);
      // The hash alone: the rest is as large as its supergraphs, and gateways ask every few seconds.
      const [newest] = await db
        .select({
          number: publications.number,
          hash: sql<string>`JSON_UNQUOTE(JSON_EXTRACT(${publications.contracts}, ${`$.${contract}.hash`}))`,
        })
        .from(publications)
        .where(eq(publications.stage, stage))
        .orderBy(desc(publications.number))
        .limit(1);
      if (!newest || newest.hash === knownHash) return null;
      const [row] = await read(and(eq(publications.stage, stage), eq(publications.number, newest.number)), 1);
      const published = row?.contracts[contract];
      return published ? { number: newest.number, hash: published.hash, supergraph: published.supergraph } : null;
    },
    async history(stage, limit) {
      const rows = await db
        .select(headColumns)
        .from(publications)
        .where(eq(publications.stage, stage))
        .orderBy(desc(publications.number))
        .limit(limit);
      return rows.map(headOfRow);
    },
    async append(added) {
      const row = rowOf(added);
      try {
        await transaction(db, async (tx) => {
          const [newest] = await tx
            .select({ number: publications.number })
            .from(publications)
            .where(eq(publications.stage, added.stage))
            .orderBy(desc(publications.number))
            .limit(1);
          if (added.number !== (newest?.number ?? 0) + 1) throw new StalePublicationError(added);
          await tx.insert(publications).values(row);
        });
      } catch (error) {
        throw isDuplicateKey(error) ? new StalePublicationError(added) : error;
      }
    },

    async registerManifest({ contract, client, version, registeredAt, operations }) {
      const text = JSON.stringify(operations);
      await db
        .insert(clientManifests)
        .values({ contract, client, version, registeredAt: new Date(registeredAt), operations: text })
        .onDuplicateKeyUpdate({ set: { operations: text } });
    },
    async retireManifest({ contract, client, version }) {
      const key = and(
        eq(clientManifests.contract, contract),
        eq(clientManifests.client, client),
        eq(clientManifests.version, version),
      );
      return affectedRows(await db.delete(clientManifests).where(key)) > 0;
    },
    async operations() {
      const rows = await db.select().from(clientManifests);
      return rows.flatMap((row) =>
        operationsOf({
          ...row,
          contract: row.contract as ClientManifest['contract'],
          registeredAt: row.registeredAt.toISOString(),
          operations: JSON.parse(row.operations),
        }),
      );
    },

    async recordUsage({ day, source, sequence, usage }) {
      // In one order, so that two gateways that report at once never wait for each other in a circle.
      const rows = usage.map((count) => ({ ...count, day, keyHash: keyHashOf(count) }));
      rows.sort((a, b) => (a.keyHash < b.keyHash ? -1 : 1));
      await transaction(db, async (tx) => {
        await tx
          .insert(usageSources)
          .values({ day, source, lastSequence: 0 })
          .onDuplicateKeyUpdate({ set: { source } });
        const isNext = and(
          eq(usageSources.day, day),
          eq(usageSources.source, source),
          lt(usageSources.lastSequence, sequence),
        );
        const taken = affectedRows(await tx.update(usageSources).set({ lastSequence: sequence }).where(isNext));
        if (taken === 0) return;
        for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
          await tx
            .insert(fieldUsage)
            .values(rows.slice(start, start + ROWS_AT_ONCE))
            .onDuplicateKeyUpdate({
              set: { requests: sql`${fieldUsage.requests} + VALUES(${sql.identifier('requests')})` },
            });
        }
      });
      await forgetOldUsage();
    },
    async usageSince(since) {
      const { contract, client, version, coordinate } = fieldUsage;
      const rows = await db
        .select({
          contract: sql<Contract>`${contract}`,
          client,
          version,
          coordinate,
          requests: sql`SUM(${fieldUsage.requests})`.mapWith(Number),
          firstDay: min(fieldUsage.day),
          lastDay: max(fieldUsage.day),
        })
        .from(fieldUsage)
        .where(gte(fieldUsage.day, since))
        .groupBy(contract, client, version, coordinate);
      return rows.map(({ firstDay, lastDay, ...row }) => ({
        ...row,
        firstSeenAt: startOf(firstDay ?? since),
        lastSeenAt: startOf(lastDay ?? since),
      }));
    },
    async daysRecorded(since) {
      const { day } = usageSources;
      return (await db.selectDistinct({ day }).from(usageSources).where(gte(day, since)).orderBy(day)).map(
        (row) => row.day,
      );
    },
    close,
  };

  /** Once a day: what is looked for begins where both keys do. */
  async function forgetOldUsage(): Promise<void> {
    const first = firstDayKept(now());
    if (forgottenBefore === first) return;
    for (const table of [fieldUsage, usageSources]) {
      let removed: number;
      do removed = affectedRows(await db.delete(table).where(lt(table.day, first)).limit(ROWS_AT_ONCE));
      while (removed > 0);
    }
    forgottenBefore = first;
  }
}

/** What one statement takes without coming near its limit of time. */
const ROWS_AT_ONCE = 500;

function rowOf({ publishedAt, check, subgraphs, contracts, ...rest }: Publication): typeof publications.$inferInsert {
  return {
    ...rest,
    publishedAt: new Date(publishedAt),
    checkSummary: JSON.stringify(check),
    subgraphs: JSON.stringify(subgraphs),
    contracts: JSON.stringify(contracts),
  };
}

/** Without the texts: a list of many publications would be as large as all of them. */
const { subgraphs: _subgraphs, contracts: _contracts, ...headColumns } = getTableColumns(publications);

function headOfRow({
  checkSummary,
  publishedAt,
  stage,
  ...rest
}: Omit<typeof publications.$inferSelect, 'subgraphs' | 'contracts'>): PublicationHead {
  return {
    ...rest,
    stage: stage as Publication['stage'],
    publishedAt: publishedAt.toISOString(),
    check: JSON.parse(checkSummary),
  };
}

function publicationOf({ subgraphs, contracts, ...head }: typeof publications.$inferSelect): Publication {
  return { ...headOfRow(head), subgraphs: JSON.parse(subgraphs), contracts: JSON.parse(contracts) };
}

function keyHashOf({
  contract,
  client,
  version,
  coordinate,
}: Record<'contract' | 'client' | 'version' | 'coordinate', string>) {
  return createHash('sha256')
    .update(JSON.stringify([contract, client, version, coordinate]))
    .digest('hex');
}
