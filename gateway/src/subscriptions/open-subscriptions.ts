import websocket from '@fastify/websocket';
import { refuseOnSocket } from '@souk/platform/http-errors';
import type { Logger } from '@souk/platform/logger';
import type { RedisConnection } from '@souk/platform/redis';
import type { FastifyInstance } from 'fastify';
import { handleProtocols } from 'graphql-ws';
import { type Connections, createConnections } from './connections.ts';
import { followChanges, type LiveChanges } from './live-changes.ts';
import type { SubscriptionLimits } from './subscription-limits.ts';
import { defaultSubscriptionPeriods, type SubscriptionPeriods } from './subscription-periods.ts';

/** What the subscriptions of all endpoints share. */
export interface Subscriptions {
  connections: Connections;
  changes: LiveChanges;
  periods: SubscriptionPeriods;
  close(): void;
}

export interface SubscriptionsOptions {
  redis: RedisConnection;
  limits: SubscriptionLimits;
  periods?: SubscriptionPeriods;
  /** Told of each change before anybody looks at it. */
  onChange: () => void;
  logger: Logger;
}

/** As long as the body of a request may be. */
const MAX_MESSAGE_BYTES = 256 * 1024;

/** Prepares a server for subscriptions. Call it before the routes are added. When the server closes, every connection is ended so that its client comes to another gateway. */
export async function openSubscriptions(
  app: FastifyInstance,
  { redis, limits, periods = defaultSubscriptionPeriods, onChange, logger }: SubscriptionsOptions,
): Promise<Subscriptions> {
  const connections = createConnections({ limits, logger });
  const changes = followChanges(redis, onChange);
  await app.register(websocket, {
    options: { maxPayload: MAX_MESSAGE_BYTES, handleProtocols: (protocols) => handleProtocols(protocols) },
    errorHandler: (err, socket, request) => {
      request.log.debug({ err }, 'a WebSocket broke');
      socket.terminate();
    },
    preClose: (done) => {
      connections.leave();
      done();
    },
  });
  // Without somebody to hear of it, ws answers in HTML.
  app.websocketServer.on('wsClientError', ({ message }, socket) =>
    refuseOnSocket(socket, 400, `Expected the handshake of a WebSocket, got one that is none: ${message}.`),
  );
  return {
    connections,
    changes,
    periods,
    close() {
      changes.close();
      connections.close();
    },
  };
}
