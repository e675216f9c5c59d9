import { randomUUID } from 'node:crypto';
import type { WebsocketHandler } from '@fastify/websocket';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import type { FastifyRequest } from 'fastify';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, makeServer, type SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { accountConnection, accountSubscription } from '../accounting/account-subscription.ts';
import { openRecord, viewerKnown } from '../accounting/request-record.ts';
import { clientIpOf } from '../client-ip.ts';
import { type RequestScope, requestScope } from '../request-scope.ts';
import type { Connection, Connections, Ending } from './connections.ts';
import type { LiveChanges } from './live-changes.ts';
import type { LiveResult } from './live-results.ts';
import type { End } from './metrics.ts';
import { type LiveEndpoint, subscribe } from './subscribe.ts';
import { overBecauseOf } from './subscription-over.ts';
import type { SubscriptionPeriods } from './subscription-periods.ts';

/** A connection that says nothing of itself is closed after this long. */
const INIT_TIMEOUT_MS = 3_000;
/** What may wait to be read by a client that goes on asking. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
/** RFC 6455, section 7.4.1, and https://www.iana.org/assignments/websocket: clients come back after these. */
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;

export interface WebSocketOptions {
  endpoint: LiveEndpoint;
  connections: Connections;
  changes: LiveChanges;
  periods: SubscriptionPeriods;
  /** Who has sent an access token, or none. */
  authenticate: (request: FastifyRequest, authorization: string | undefined) => Promise<Viewer | null>;
  /** Lets a document in, like that of any request, and does what follows in a place among the requests in flight. */
  admit: <Result>(
    payload: SubscribePayload,
    openScope: () => Promise<RequestScope>,
    then: (scope: RequestScope) => Promise<Result>,
  ) => Promise<Result>;
}

/** What is known of one WebSocket. */
interface Extra {
  socket: WebSocket;
  request: FastifyRequest;
  connection: Connection;
  /** Set when the client has said who it is. */
  identify?: () => Promise<Viewer | null>;
  log: Logger;
}

/** What graphql-ws hands from one hook to the next. */
type Opened = ExecutionArgs & { results: AsyncIterableIterator<LiveResult, void> };

/**
 * Serves subscriptions over WebSocket: the protocol graphql-transport-ws (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md), spoken by graphql-ws.
 * The payload of `connection_init` has the access token as `authorization: "Bearer …"`, because pages cannot set headers of a WebSocket.
 */
export function serveSocket(options: WebSocketOptions): WebsocketHandler {
  const { endpoint, connections, changes, periods, authenticate, admit } = options;
  const server = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: INIT_TIMEOUT_MS,

    async onConnect({ connectionParams, extra }) {
      const { socket, request, connection } = extra;
      const authorization = authorizationIn(connectionParams) ?? request.headers.authorization;
      extra.identify = () => authenticate(request, authorization);
      try {
        connection.belongsTo(await extra.identify(), extra.identify);
        return true;
      } catch (error) {
        refuse(socket, error, periods);
        return false;
      }
    },

    async onSubscribe({ extra }, _id, payload) {
      try {
        return (await open(extra, payload)) as ExecutionArgs;
      } catch (error) {
        return [new GraphQLError('refused', { originalError: overBecauseOf(error) })];
      }
    },
    subscribe: (args) => (args as Opened).results as unknown as AsyncGenerator<ExecutionResult>,
    onNext: (_context, _id, _payload, _args, result) => (result as unknown as LiveResult).payload as never,
    onError: (_context, _id, _payload, errors) =>
      errors.flatMap(({ originalError }) => [...overBecauseOf(originalError ?? new Error('unknown')).errors]),
  });

  async function open({ request, connection, identify, log }: Extra, payload: SubscribePayload): Promise<Opened> {
    const removeSubscription = connection.addSubscription();
    const leaving = new AbortController();
    const signal = AbortSignal.any([connection.signal, leaving.signal]);
    const record = openRecord({ headers: request.headers, clientIp: clientIpOf(request) });
    record.endpoint = endpoint.path;
    const account = accountSubscription(record, 'websocket', log);
    const scope: RequestScope = {
      requestId: randomUUID(),
      viewer: null,
      clientIp: record.clientIp,
      clientAgent: (request.headers['user-agent'] ?? '').slice(0, 256),
      log: () => log,
      record,
      caching: {},
      hungUp: signal,
    };
    const openScope = async () => {
      scope.viewer = (await identify?.()) ?? null;
      viewerKnown(record, scope.viewer);
      return scope;
    };
    const over = (end: End) => {
      if (leaving.signal.aborted) return;
      leaving.abort();
      removeSubscription();
      account.ended(end);
    };
    try {
      return await admit(payload, openScope, async () => {
        const { lastEventId } = payload.extensions ?? {};
        const results = await subscribe({
          endpoint,
          changes,
          connection,
          scope,
          parameters: { ...payload },
          lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
          identify: identify ?? (async () => null),
          signal,
        });
        return {
          document: scope.document?.ast,
          operationName: payload.operationName,
          contextValue: null,
          rootValue: null,
          results: inScope(scope, count(results, connection, account.delivered, over), () => over('left')),
        } as unknown as Opened;
      });
    } catch (error) {
      const told = requestScope.run(scope, () => overBecauseOf(error));
      over('refused');
      throw told;
    }
  }

  return (socket, request) => {
    const log = request.log as Logger;
    const clientIp = clientIpOf(request);
    let connection: Connection;
    try {
      connection = connections.open(clientIp);
    } catch (error) {
      return refuse(socket, error, periods);
    }
    const closed = accountConnection(endpoint.path, 'websocket');
    request.record.isStream = true;
    // Before anything that ends with the connection: what is said on a closed socket, such as that a subscription is complete, is not heard.
    connection.signal.addEventListener('abort', () => {
      const ending = connection.signal.reason as Ending;
      if (ending.kind === 'refused') refuse(socket, ending.error, periods);
      else closeSoon(socket, GOING_AWAY, 'Going away', periods);
    });
    if (connection.signal.aborted) closeSoon(socket, GOING_AWAY, 'Going away', periods);

    const stopPings = keepAlive(socket, periods);
    const opened = server.opened(
      {
        protocol: socket.protocol,
        send: (text) => sent(socket, text),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (hear) =>
          socket.on('message', (data) => {
            if (socket.bufferedAmount > MAX_BUFFERED_BYTES) return socket.terminate();
            hear(String(data)).catch((err: unknown) => {
              log.error({ err }, 'a message was not handled');
              socket.close(CloseCode.InternalServerError, 'INTERNAL_SERVER_ERROR');
            });
          }),
      },
      { socket, request, connection, log },
    );
    socket.once('close', (code, reason) => {
      stopPings();
      connection.close();
      closed();
      opened(code, String(reason)).catch((err: unknown) => log.error({ err }, 'a WebSocket was not left in order'));
    });
  };
}

/** Says when a subscription is over, whoever ends it. */
async function* count(
  results: AsyncIterable<LiveResult>,
  { signal }: Connection,
  delivered: () => void,
  over: (end: End) => void,
): AsyncGenerator<LiveResult, void> {
  let end: End = 'left';
  try {
    for await (const result of results) {
      delivered();
      yield result;
    }
    if (signal.aborted) end = (signal.reason as Ending).kind;
  } catch (error) {
    end = 'refused';
    throw error;
  } finally {
    over(end);
  }
}

/** Each step belongs to the request that asked for it. A generator that waits cannot be told to return: first what it waits for has to end. */
function inScope(
  scope: RequestScope,
  results: AsyncGenerator<LiveResult, void>,
  leave: () => void,
): AsyncIterableIterator<LiveResult, void> {
  return {
    next: () => requestScope.run(scope, () => results.next()),
    return() {
      leave();
      return requestScope.run(scope, () => results.return());
    },
    throw: (error) => requestScope.run(scope, () => results.throw(error)),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function authorizationIn(parameters: Record<string, unknown> | undefined): string | undefined {
  const authorization = parameters?.['authorization'] ?? parameters?.['Authorization'];
  return typeof authorization === 'string' ? authorization : undefined;
}

/** The code tells clients whether to come back, the reason why they were sent away. */
function refuse(socket: WebSocket, error: unknown, periods: SubscriptionPeriods): void {
  if (!(error instanceof SoukError)) closeSoon(socket, CloseCode.InternalServerError, 'INTERNAL_SERVER_ERROR', periods);
  else closeSoon(socket, error.retryable ? TRY_AGAIN_LATER : CloseCode.Forbidden, error.code, periods);
}

/** A client that does not answer is not waited for: this gateway may have to stop. */
function closeSoon(socket: WebSocket, code: number, reason: string, { goodbyeMs }: SubscriptionPeriods): void {
  socket.close(code, reason);
  const cutOff = setTimeout(() => socket.terminate(), goodbyeMs).unref();
  socket.once('close', () => clearTimeout(cutOff));
}

/** Resolves when the text has left this process, so that a client that reads slowly is sent less. */
function sent(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve();
    // What could not be sent needs no telling: the socket closes.
    socket.send(text, () => resolve());
  });
}

function keepAlive(socket: WebSocket, { pingEveryMs }: SubscriptionPeriods): () => void {
  let isThere = true;
  socket.on('pong', () => {
    isThere = true;
  });
  const timer = setInterval(() => {
    if (!isThere) return socket.terminate();
    isThere = false;
    socket.ping();
  }, pingEveryMs);
  return () => clearInterval(timer);
}
