import type { ChildProcess, SendHandle } from 'node:child_process';
import type { Worker as ClusterWorker } from 'node:cluster';

/** What Node's cluster module and its workers say to each other: lib/internal/cluster/round_robin_handle.js. */
interface ClusterMessage {
  cmd?: string;
  act?: string;
  seq?: number;
  ack?: number;
}

interface Connection {
  close(): void;
}

type Send = (message: ClusterMessage, ...rest: [handle?: SendHandle, ...unknown[]]) => boolean;

/**
 * Hangs up on the client whose connection was given to a worker that died before it took it. The cluster module forgets such a connection and keeps it open, so
 * that the client would wait for as long as it has patience; hung up on, it connects again and meets another worker.
 *
 * A worker is given one connection at a time, and says whether it takes it.
 */
export function closePendingConnection(worker: ClusterWorker): void {
  const child: ChildProcess = worker.process;
  const send = child.send.bind(child) as Send;
  let pending: { seq: number; connection: Connection } | undefined;
  let isDead = false;

  function closePending(): void {
    pending?.connection.close();
    pending = undefined;
  }

  const sendOrClose: Send = (message, handle, ...rest) => {
    if (message.cmd === 'NODE_CLUSTER' && message.act === 'newconn' && message.seq !== undefined && handle) {
      pending = { seq: message.seq, connection: handle as unknown as Connection };
      if (isDead) {
        closePending();
        return false;
      }
    }
    return send(message, handle, ...rest);
  };
  child.send = sendOrClose as ChildProcess['send'];
  child.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined && ack === pending?.seq) pending = undefined;
  });
  // A channel that waits for the receipt of a connection is never said to be disconnected.
  child.once('exit', () => {
    isDead = true;
    closePending();
  });
}
