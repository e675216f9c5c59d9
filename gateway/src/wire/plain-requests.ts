import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LentSocket } from './lent-socket.ts';
import { PlainConnection, type PlainRequest, type TakeRequest } from './plain-connection.ts';

/** Requests that need not go through Node's HTTP server, where reading and answering takes longer than most of them do. */
export interface PlainRequests {
  /** Offers the requests in plain form that are sent to a target by POST. */
  onPost(target: string, take: TakeRequest): void;
  /** Ends the connections that rest. The others end with their next answer, as the server leaves. */
  close(): void;
}

export interface PlainRequestsOptions {
  /** How long a connection may rest between two requests. */
  keepAliveMs: number;
  /** Whether each answer is to be the last on its connection. */
  isLeaving(): boolean;
}

const LOOK_EVERY_MS = 2_000;
/** Who has said nothing by then is Node's to wait for, and to refuse. */
const SILENT_MS = 1_000;

/**
 * Reads the connections of an HTTP server before it does. Requests in plain form that somebody takes are answered here. All others are given to the server as they
 * came: whole ones in plain form through a `LentSocket`, after which the connection is read here again, and any other with the connection itself, for good.
 */
export function readPlainRequests(server: Server, { keepAliveMs, isLeaving }: PlainRequestsOptions): PlainRequests {
  const routes = new Map<string, TakeRequest>();
  const connections = new Set<PlainConnection>();
  const nodes = server.listeners('connection') as ((connection: Duplex) => void)[];
  const options = {
    isLeaving,
    keptAlive: `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveMs / 1_000)}\r\n\r\n`,
    take: (request: PlainRequest, connection: PlainConnection) =>
      request.head.method === 'POST' && routes.get(request.head.target)?.(request, connection) === true,
    giveToNode(connection: Duplex) {
      for (const listener of nodes) listener.call(server, connection);
    },
    onGone: (connection: PlainConnection) => connections.delete(connection),
  };

  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => connections.add(new PlainConnection(socket, options)));
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const lent: Duplex = socket;
    if (lent instanceof LentSocket) response.once('close', () => lent.giveBack(response.writableFinished));
  });
  const looking = setInterval(() => {
    const now = performance.now();
    for (const connection of connections) {
      const restsForMs = now - connection.restsSinceMs;
      if (connection.isSilent && restsForMs > SILENT_MS) connection.handOver();
      else if (restsForMs > keepAliveMs) connection.close();
    }
  }, LOOK_EVERY_MS);
  looking.unref();
  server.on('close', () => clearInterval(looking));

  return {
    onPost: (target, take) => void routes.set(target, take),
    close() {
      for (const connection of connections) connection.close();
    },
  };
}
