import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { FromAgent, Hold, ToAgent } from './agent.ts';
import type { PointName } from './points.ts';

/** The rig's end of the line to the agents: see agent.ts. */
export interface Control {
  port: number;
  /**
   * Holds the first process that reaches a point, about this if given. Resolves when every process knows.
   * The caller ends each hold, by `release` or by killing the process.
   */
  hold(point: PointName, options?: { about?: string; skip?: number }): Promise<HeldPoint>;
  close(): Promise<void>;
}

export interface HeldPoint {
  /** Resolves when a process has reached the point, and waits there. */
  reached: Promise<{ pid: number; about: string | undefined }>;
  /** Lets it go on, or forgets the wish when nobody has come. */
  release(): void;
}

/** A process that says nothing for so long is stopped, and has to be told nothing. */
const FROZEN_MS = 1_000;

export async function openControl(): Promise<Control> {
  const agents = new Map<Socket, { knows: number }>();
  const holds = new Map<number, Hold & { reach: (by: { pid: number; about: string | undefined }) => void }>();
  const heldBy = new Map<number, Socket>();
  let version = 0;
  let lastId = 0;
  let heard = Promise.withResolvers<void>();

  const server = createServer((socket) => {
    agents.set(socket, { knows: -1 });
    createInterface(socket)
      .on('line', (line) => hear(socket, JSON.parse(line) as FromAgent))
      // A process that was killed; the interface repeats what the socket says.
      .on('error', () => {});
    socket
      .on('error', () => {})
      .on('close', () => {
        agents.delete(socket);
        wake();
      });
    tell(socket, wishes());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  function hear(socket: Socket, message: FromAgent): void {
    if ('knows' in message) {
      agents.set(socket, { knows: message.knows });
      wake();
      return;
    }
    const hold = holds.get(message.reached);
    if (!hold) {
      // Another process was there at the same time and is held already.
      tell(socket, { release: message.reached, isTaken: true });
      return;
    }
    holds.delete(hold.id);
    heldBy.set(hold.id, socket);
    publish();
    hold.reach(message);
  }

  function wishes(): ToAgent {
    return { version, holds: [...holds.values()].map(({ reach: _, ...hold }) => hold) };
  }

  function publish(): void {
    version++;
    for (const socket of agents.keys()) tell(socket, wishes());
  }

  function tell(socket: Socket, message: ToAgent): void {
    socket.write(`${JSON.stringify(message)}\n`);
  }

  function wake(): void {
    heard.resolve();
    heard = Promise.withResolvers();
  }

  return {
    port: (server.address() as AddressInfo).port,
    async hold(point, { about, skip = 0 } = {}) {
      const id = ++lastId;
      const { promise: reached, resolve: reach } = Promise.withResolvers<{ pid: number; about: string | undefined }>();
      holds.set(id, { id, point, about, skip, reach });
      publish();
      const wanted = version;
      const patience = delay(FROZEN_MS, 'frozen' as const);
      while ([...agents.values()].some(({ knows }) => knows < wanted)) {
        if ((await Promise.race([heard.promise, patience])) === 'frozen') break;
      }
      return {
        reached,
        release() {
          if (holds.delete(id)) publish();
          const socket = heldBy.get(id);
          heldBy.delete(id);
          if (socket) tell(socket, { release: id, isTaken: false });
        },
      };
    },
    async close() {
      for (const socket of agents.keys()) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
