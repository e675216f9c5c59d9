import { type Database, openDatabase } from '@souk/platform/database';
import { listenersOf } from '@souk/platform/events';
import { type Backlog, backlogs, type OutboxRow, parkedEvents, redrive, type WhichParked } from '@souk/platform/outbox';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';

/** What has not reached one listener of one producer. */
export interface Route {
  producer: SubgraphName;
  listener: string;
  waiting: Amount;
  underWay: Amount;
  parked: Amount;
}

export interface Amount {
  count: number;
  /** How long ago the oldest happened; null when there is none. */
  oldestSeconds: number | null;
}

export interface ParkedEvent {
  eventId: string;
  type: string;
  producer: SubgraphName;
  listener: string;
  aggregateId: string;
  occurredAt: Date;
  /** Why its listener could not handle it, the last time it was tried. */
  reason: string | null;
}

const producers = subgraphNames.filter((name) => listenersOf(name).length > 0);

/** Opens the outboxes of a shop, to look into or to send parked events again. */
export function openEvents(databaseUrls: Record<SubgraphName, string>) {
  const databases = producers.map((producer) => {
    return { producer, ...openDatabase({ url: databaseUrls[producer], poolSize: 1 }) };
  });
  const fromEach = async <Found>(ask: (db: Database, producer: SubgraphName) => Promise<Found[]>): Promise<Found[]> =>
    (await Promise.all(databases.map(({ db, producer }) => ask(db, producer)))).flat();

  return {
    async look(): Promise<{ routes: Route[]; parked: ParkedEvent[] }> {
      return {
        routes: await fromEach(async (db, producer) => routesOf(producer, await backlogs(db))),
        parked: await fromEach(async (db, producer) => parkedOf(producer, await parkedEvents(db))),
      };
    },

    /** @returns what is sent again */
    redrive: (which: WhichParked): Promise<ParkedEvent[]> =>
      fromEach(async (db, producer) => parkedOf(producer, await redrive(db, which))),

    [Symbol.asyncDispose]: async () => void (await Promise.all(databases.map((database) => database.close()))),
  };
}

function routesOf(producer: SubgraphName, found: readonly Backlog[]): Route[] {
  return listenersOf(producer).map((listener) => {
    const amount = (state: Backlog['state']): Amount => {
      const backlog = found.find((each) => each.subscriber === listener && each.state === state);
      return { count: backlog?.count ?? 0, oldestSeconds: backlog?.oldestSeconds ?? null };
    };
    return { producer, listener, waiting: amount('PENDING'), underWay: amount('QUEUED'), parked: amount('PARKED') };
  });
}

function parkedOf(producer: SubgraphName, rows: readonly OutboxRow[]): ParkedEvent[] {
  return rows.map(({ eventId, type, subscriber, aggregateId, occurredAt, lastError }) => {
    return { eventId, type, producer, listener: subscriber, aggregateId, occurredAt, reason: lastError };
  });
}
