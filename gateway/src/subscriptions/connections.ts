import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import { clientNetwork } from '../limits/client-network.ts';
import { countDecision, RateLimited } from '../limits/rate-limited.ts';
import type { SubscriptionLimits } from './subscription-limits.ts';

/** Why a connection is to be closed by this side. */
export type Ending =
  /** This gateway stops; another one will take the client. */
  | { kind: 'leaving' }
  /** Who it belongs to may not go on: the token has expired, the session was revoked, the account suspended. */
  | { kind: 'refused'; error: SoukError };

/** A connection that stays open: a stream of events, or a WebSocket. */
export interface Connection {
  /** Aborted, with an `Ending` as its reason, when this side wants it closed. */
  readonly signal: AbortSignal;
  /**
   * Says who it belongs to. They are asked for again and again, as they would be with every request.
   *
   * @throws {SoukError} RATE_LIMITED when they have too many connections
   */
  belongsTo(viewer: Viewer | null, askAgain: () => Promise<Viewer | null>): void;
  /** Tells when its viewer may do more or less than before. @returns how to listen no longer */
  onChangedViewer(listener: () => void): () => void;
  /**
   * Counts a subscription.
   *
   * @returns how to say that it is over
   * @throws {SoukError} RATE_LIMITED when it has too many
   */
  addSubscription(): () => void;
  /** It is closed. */
  close(): void;
}

export interface Connections {
  /** @throws {SoukError} RATE_LIMITED when there are too many, of this address or of all */
  open(clientIp: string): Connection;
  /** Has all be closed, and those that come. */
  leave(): void;
  close(): void;
}

/** What is revoked must end within a second, and this gateway hears of it within half of one. */
const ASK_AGAIN_EVERY_MS = 400;

/** Holds the connections of this gateway to their limits, and to who they belong to. */
export function createConnections({ limits, logger }: { limits: SubscriptionLimits; logger: Logger }): Connections {
  const open = new Set<OpenConnection>();
  const perAddress = createTally();
  const perUser = createTally();
  let isLeaving = false;

  const timer = setInterval(() => {
    for (const connection of open) connection.askAgain().catch((err: unknown) => logger.error({ err }, 'not asked'));
  }, ASK_AGAIN_EVERY_MS).unref();

  return {
    open(clientIp) {
      if (open.size >= limits.connections) throw tooMany('The gateway has no room for another connection.');
      const leaveAddress = perAddress.enter(clientNetwork(clientIp), limits.connectionsPerAddress);
      if (!leaveAddress) throw tooMany('Too many connections are open from this address. Close one of them first.');
      countDecision('connections', 'allowed');
      const connection = openConnection({ limits, perUser });
      open.add(connection);
      if (isLeaving) connection.end({ kind: 'leaving' });
      return {
        ...connection,
        close() {
          if (!open.delete(connection)) return;
          leaveAddress();
          connection.close();
        },
      };
    },
    leave() {
      isLeaving = true;
      for (const connection of open) connection.end({ kind: 'leaving' });
    },
    close: () => clearInterval(timer),
  };
}

interface OpenConnection extends Connection {
  end(ending: Ending): void;
  askAgain(): Promise<void>;
}

function openConnection({ limits, perUser }: { limits: SubscriptionLimits; perUser: Tally }): OpenConnection {
  const controller = new AbortController();
  const listeners = new Set<() => void>();
  let owner: { rights: string; ask: () => Promise<Viewer | null> } | undefined;
  let leaveUser: (() => void) | undefined;
  let isAsking = false;
  let isClosed = false;
  let subscriptions = 0;

  const end = (ending: Ending) => controller.abort(ending);

  async function askAgain(): Promise<void> {
    if (!owner || isAsking || controller.signal.aborted) return;
    isAsking = true;
    try {
      const rights = rightsOf(await owner.ask());
      if (rights === owner.rights) return;
      owner.rights = rights;
      for (const listener of listeners) listener();
    } catch (error) {
      if (!(error instanceof SoukError)) throw error;
      // While it cannot be known who may, nothing new is shown either, so the connection can wait.
      if (!error.retryable) end({ kind: 'refused', error });
    } finally {
      isAsking = false;
    }
  }

  return {
    signal: controller.signal,
    end,
    askAgain,
    belongsTo(viewer, ask) {
      // Who is found out only when the client has gone counts for nothing.
      if (isClosed) return;
      if (viewer) {
        leaveUser = perUser.enter(viewer.userId, limits.connectionsPerUser);
        if (!leaveUser) throw tooMany('You have too many open connections. Close one of them first.');
      }
      owner = { rights: rightsOf(viewer), ask };
    },
    onChangedViewer(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    addSubscription() {
      if (subscriptions >= limits.subscriptionsPerConnection) {
        throw tooMany('The connection has too many subscriptions. Complete one of them first.');
      }
      subscriptions++;
      return () => {
        subscriptions--;
      };
    },
    close() {
      isClosed = true;
      leaveUser?.();
      listeners.clear();
    },
  };
}

function rightsOf(viewer: Viewer | null): string {
  return viewer ? [viewer.userId, ...viewer.roles, ...[...viewer.scopes].sort()].join(' ') : '';
}

function tooMany(message: string): RateLimited {
  countDecision('connections', 'refused');
  return new RateLimited('connections', message, 5_000);
}

interface Tally {
  /** Counts one more for a key, and says how to take it back; undefined when there are as many as there may be. */
  enter(key: string, limit: number): (() => void) | undefined;
}

function createTally(): Tally {
  const counts = new Map<string, number>();
  return {
    enter(key, limit) {
      const count = counts.get(key) ?? 0;
      if (count >= limit) return undefined;
      counts.set(key, count + 1);
      return () => {
        const left = (counts.get(key) ?? 1) - 1;
        if (left > 0) counts.set(key, left);
        else counts.delete(key);
      };
    },
  };
}
