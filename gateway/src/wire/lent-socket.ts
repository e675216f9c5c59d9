import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Hears what Node does with a connection that it was lent. */
export interface Lender {
  /** The request is answered. */
  returned(): void;
  /** Nothing more is to be sent. @param isForGood whether nothing is to be heard, either */
  ended(isForGood: boolean): void;
  /** Node is done with it, or has given it up. */
  destroyed(): void;
}

/** A connection as Node's HTTP server sees it: it is given whole requests, and what it answers goes to the socket behind. */
export class LentSocket extends Duplex {
  readonly #socket: Socket;
  readonly #lender: Lender;
  #isForGood = false;

  constructor(socket: Socket, lender: Lender) {
    super();
    this.#socket = socket;
    this.#lender = lender;
    socket.on('drain', this.#drained);
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#socket.remoteFamily;
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  /** Node is done with the request that it was given. @param isAnswered whether the whole answer was sent */
  giveBack(isAnswered: boolean): void {
    if (isAnswered) this.#lender.returned();
    else this.destroy();
  }

  /** Ends the connection when all was sent: Node has this of its own sockets. */
  destroySoon(): void {
    this.#isForGood = true;
    this.end();
  }

  override _read(): void {}

  #afterDrain: (() => void) | undefined;
  readonly #drained = () => {
    const written = this.#afterDrain;
    this.#afterDrain = undefined;
    written?.();
  };

  override _write(chunk: Buffer, encoding: BufferEncoding, written: () => void): void {
    if (this.#socket.write(chunk, encoding)) written();
    else this.#afterDrain = written;
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], written: () => void): void {
    this.#socket.cork();
    let hasRoom = true;
    for (const { chunk, encoding } of chunks) hasRoom = this.#socket.write(chunk, encoding);
    this.#socket.uncork();
    if (hasRoom) written();
    else this.#afterDrain = written;
  }

  override _final(done: () => void): void {
    this.#lender.ended(this.#isForGood);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.off('drain', this.#drained);
    this.#lender.destroyed();
    done(error);
  }
}
