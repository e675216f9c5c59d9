import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface TcpProxy {
  port: number;
  /** Cuts every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Cuts every connection; new ones are accepted. */
  reset(): void;
  /** Keeps connections open and passes nothing on: the other side seems to hang. */
  freeze(): void;
  /** Passes everything on so much later, in both directions. */
  slow(delayMs: number): void;
  /** Passes the next requests like this on, and loses what is answered to them together with the connection. Returns how many replies are still to be lost. */
  loseReplies(count: number, isRequest: (bytes: Buffer) => boolean): () => number;
  /** Accepts and passes on again, all of it and at once. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** The network between a client and a local port, for tests: it breaks on command. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let frozen = false;
  let delayMs = 0;
  let toLose = { left: 0, isRequest: (_bytes: Buffer) => false };

  const server = createServer((inbound) => {
    const outbound = connect(target.port, target.host);
    let losesReply = false;
    join(inbound, outbound, (bytes) => {
      if (toLose.left > 0 && toLose.isRequest(bytes)) {
        toLose.left--;
        losesReply = true;
      }
      return true;
    });
    join(outbound, inbound, () => {
      if (losesReply) inbound.destroy();
      return !losesReply;
    });
    if (frozen) for (const socket of sockets) socket.pause();
  });

  function join(from: Socket, to: Socket, mayPass: (bytes: Buffer) => boolean): void {
    sockets.add(from);
    from.setNoDelay(true);
    if (frozen) from.pause();
    let earlier = Promise.resolve();
    from.on('data', (bytes) => {
      if (!mayPass(bytes)) return;
      if (delayMs === 0) {
        to.write(bytes);
        return;
      }
      const waited = delay(delayMs);
      earlier = earlier.then(() => waited).then(() => void to.write(bytes));
    });
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  }

  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const stop = () =>
    new Promise<void>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(() => resolve());
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut: stop,
    reset,
    freeze() {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    slow(ms) {
      delayMs = ms;
    },
    loseReplies(count, isRequest) {
      const lost = { left: count, isRequest };
      toLose = lost;
      return () => lost.left;
    },
    async heal() {
      frozen = false;
      delayMs = 0;
      toLose = { left: 0, isRequest: () => false };
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listen(port);
    },
    close: stop,
  };
}

/** One before a server that a URL names, which speaks at a default port where the URL has none. */
export function startProxyBefore(url: string, defaultPort: number): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  return startTcpProxy({ host: hostname, port: Number(port) || defaultPort });
}

/** The URL of the same server through its proxy. */
export function through({ port }: TcpProxy, url: string): string {
  const changed = new URL(url);
  changed.host = `127.0.0.1:${port}`;
  return changed.href;
}
