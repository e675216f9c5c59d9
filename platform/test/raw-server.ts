import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A server that answers with bytes, right or wrong, as a test wants it to. */
export interface RawServer {
  origin: string;
  /** All that there have been. */
  connections: Socket[];
  /** The bodies that it was sent, in order. */
  bodies: string[];
  /** How many pieces it received them in. */
  pieces: number;
  /** From now on it does this with each request, once it is there as a whole. */
  behave(onRequest: OnRequest): void;
  close(): Promise<void>;
}

export type OnRequest = (request: { head: string; body: string }, socket: Socket) => void;

/** @param listen makes a server out of what becomes of a connection; without TLS by default */
export async function startRawServer(
  onRequest: OnRequest,
  listen: (onConnection: (socket: Socket) => void) => Server = createServer,
): Promise<RawServer> {
  let behaviour = onRequest;
  const raw = listen((socket) => {
    server.connections.push(socket);
    // Whoever is cut off, is.
    socket.on('error', () => {});
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      server.pieces++;
      received += text;
      for (let request = first(received); request; request = first(received)) {
        received = received.slice(request.head.length + request.body.length);
        server.bodies.push(request.body);
        behaviour(request, socket);
      }
    });
  });
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
  const server: RawServer = {
    origin: `http://127.0.0.1:${(raw.address() as AddressInfo).port}`,
    connections: [],
    bodies: [],
    pieces: 0,
    behave(next) {
      behaviour = next;
    },
    close() {
      for (const socket of server.connections) socket.destroy();
      return new Promise((resolve) => raw.close(() => resolve()));
    },
  };
  return server;
}

function first(received: string): { head: string; body: string } | undefined {
  const end = received.indexOf('\r\n\r\n') + 4;
  if (end < 4) return undefined;
  const head = received.slice(0, end);
  const length = Number(/^content-length: (\d+)\r$/m.exec(head)?.[1]);
  return received.length < end + length ? undefined : { head, body: received.slice(end, end + length) };
}
