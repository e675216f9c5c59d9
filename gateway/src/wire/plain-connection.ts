import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LentSocket } from './lent-socket.ts';
import { END_OF_HEAD, type PlainHead, readPlainHead } from './plain-head.ts';

/** A request in plain form, all of it. */
export interface PlainRequest {
  head: PlainHead;
  /** Part of a buffer that is kept for no longer than the request. */
  body: Buffer;
}

/** Answers a request on its connection, now or later. @returns false to leave it to Node, before anything was done about it */
export type TakeRequest = (request: PlainRequest, connection: PlainConnection) => boolean;

export interface PlainConnectionOptions {
  take: TakeRequest;
  /** Has Node's HTTP server serve a connection. */
  giveToNode(connection: Duplex): void;
  /** Whether each answer is to be the last on its connection. */
  isLeaving(): boolean;
  /** What the head of an answer ends with that is not. */
  keptAlive: string;
  /** The connection is no longer served here. */
  onGone(connection: PlainConnection): void;
}

/** More than any query has that is known; Node reads the rest. */
const MAX_REQUEST_BYTES = 64 * 1024;
const MAX_HEAD_BYTES = 8 * 1024;
/** The parts of a request follow each other at once, unless its client or the way is slow. */
const PATIENCE_MS = 50;
/** Up to this size head and body are sent in one piece: to copy them takes less than to send two. */
const MAX_JOINED_BYTES = 16 * 1024;
const LAST = 'connection: close\r\n\r\n';

/**
 * A connection whose requests are read here as long as they come in plain form, one after the other.
 *
 * - `resting` no request is there, or not all of one
 * - `busy`    a request is being answered here
 * - `lent`    a request is being answered by Node
 * - `gone`    it has ended, or belongs to Node for good
 */
export class PlainConnection {
  /** When it was last answered, or else began, by `performance.now()`. */
  restsSinceMs = performance.now();
  readonly #socket: Socket;
  readonly #options: PlainConnectionOptions;
  #state: 'resting' | 'busy' | 'lent' | 'gone' = 'resting';
  #wasAsked = false;
  /** Whether nothing more will be sent. */
  #isEnding = false;
  /** The head of the request before: most clients send the same one again, but for its length. */
  #head: PlainHead | undefined;
  /** What has come, and is not the turn of yet. */
  #held: Buffer | undefined;
  #patience: NodeJS.Timeout | undefined;
  #lent: LentSocket | undefined;
  #hangUp: AbortController | undefined;

  constructor(socket: Socket, options: PlainConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', this.#onData).on('end', this.#onEnd).on('error', ignore).on('close', this.#onClose);
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  /** Ends when the client hangs up. It is the same for all requests of the connection, which has one at a time. */
  get hungUp(): AbortSignal {
    this.#hangUp ??= new AbortController();
    if (this.#state === 'gone') this.#hangUp.abort(hungUp);
    return this.#hangUp.signal;
  }

  /** Whether nothing has come ever. */
  get isSilent(): boolean {
    return this.#state === 'resting' && !this.#wasAsked;
  }

  /**
   * Answers the request that was taken.
   *
   * @param head without what it says of the connection, and without the line at its end
   * @param body as bytes, or as text in ASCII
   * @returns whether somebody is there still
   */
  answer(head: string, body: Buffer | string): boolean {
    if (this.#state !== 'busy') return false;
    const isLast = this.#options.isLeaving();
    const hasRoom = this.#write(`${head}${isLast ? LAST : this.#options.keptAlive}`, body);
    if (isLast) {
      this.#isEnding = true;
      this.#socket.destroySoon();
      return true;
    }
    // Whoever does not read is not asked what else he wants.
    if (hasRoom) this.#rest();
    else this.#socket.once('drain', () => this.#rest());
    return true;
  }

  /** Ends it if it rests (nothing happens otherwise), and gives it to Node if a part of a request is there. */
  close(): void {
    if (this.#state !== 'resting') return;
    if (this.#held) this.handOver();
    else this.#socket.destroy();
  }

  /** Gives it to Node for good, which has its own ways with those that take their time. */
  handOver(): void {
    this.#handOver(this.#held);
  }

  #write(head: string, body: Buffer | string): boolean {
    if (typeof body === 'string') return this.#socket.write(head + body, 'latin1');
    if (head.length + body.length <= MAX_JOINED_BYTES) {
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 'latin1');
      body.copy(bytes, head.length);
      return this.#socket.write(bytes);
    }
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    const hasRoom = this.#socket.write(body);
    this.#socket.uncork();
    return hasRoom;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isEnding) return;
    const bytes = this.#held ? Buffer.concat([this.#held, chunk]) : chunk;
    if (this.#state === 'resting') {
      this.#read(bytes);
      return;
    }
    // A client that does not wait for its answer waits for its turn.
    this.#held = bytes;
    this.#socket.pause();
  };

  #read(bytes: Buffer): void {
    const head = this.#headOf(bytes);
    if (head === 'incomplete') {
      this.#hold(bytes);
      return;
    }
    const length = head ? head.bytes.length + head.bodyLength : 0;
    if (!head || length > MAX_REQUEST_BYTES) {
      this.#handOver(bytes);
      return;
    }
    if (bytes.length < length) {
      this.#hold(bytes);
      return;
    }
    this.#stopWaiting();
    this.#held = bytes.length > length ? bytes.subarray(length) : undefined;
    this.#wasAsked = true;
    const body = bytes.subarray(head.bytes.length, length);
    this.#state = 'busy';
    if (this.#options.isLeaving() || !this.#options.take({ head, body }, this)) this.#lend(bytes.subarray(0, length));
  }

  #headOf(bytes: Buffer): PlainHead | 'incomplete' | undefined {
    const known = this.#head;
    if (known && startsWith(bytes, known.bytes)) return known;
    const end = bytes.indexOf(END_OF_HEAD);
    if (end > MAX_HEAD_BYTES) return undefined;
    if (end === -1) return bytes.length > MAX_HEAD_BYTES ? undefined : 'incomplete';
    // A copy, as what it is a part of is large and would be kept with it.
    this.#head = readPlainHead(Buffer.from(bytes.subarray(0, end + END_OF_HEAD.length)));
    return this.#head;
  }

  #hold(bytes: Buffer): void {
    this.#held = bytes;
    this.#patience ??= setTimeout(() => this.handOver(), PATIENCE_MS);
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #lend(request: Buffer): void {
    this.#state = 'lent';
    if (!this.#lent) {
      this.#lent = new LentSocket(this.#socket, {
        returned: () => {
          if (this.#state === 'lent' && !this.#isEnding) this.#rest();
        },
        ended: (isForGood) => {
          this.#isEnding = true;
          if (isForGood) this.#socket.destroySoon();
          else this.#socket.end();
        },
        destroyed: () => {
          this.#lent = undefined;
          // Node also puts away connections that rest, which here belong to somebody who may be busy with them.
          if (this.#state === 'lent') this.#socket.destroy();
        },
      });
      this.#options.giveToNode(this.#lent);
    }
    this.#lent.push(request);
  }

  #rest(): void {
    if (this.#state === 'gone') return;
    this.#state = 'resting';
    this.restsSinceMs = performance.now();
    if (this.#held) setImmediate(this.#readOn);
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  readonly #readOn = (): void => {
    if (this.#state !== 'resting' || !this.#held) return;
    const bytes = this.#held;
    this.#held = undefined;
    this.#read(bytes);
  };

  #handOver(bytes: Buffer | undefined): void {
    const socket = this.#socket;
    socket.off('data', this.#onData).off('end', this.#onEnd).off('error', ignore).off('close', this.#onClose);
    this.#gone();
    if (bytes) socket.unshift(bytes);
    this.#options.giveToNode(socket);
    if (socket.isPaused()) socket.resume();
  }

  /** As with Node, who says no more hears no more. */
  readonly #onEnd = (): void => {
    this.#socket.end();
    this.#lent?.push(null);
    this.#hangUp?.abort(hungUp);
  };

  readonly #onClose = (): void => {
    this.#gone();
    this.#hangUp?.abort(hungUp);
  };

  #gone(): void {
    this.#state = 'gone';
    this.#stopWaiting();
    this.#held = undefined;
    this.#lent?.destroy();
    this.#options.onGone(this);
  }
}

const hungUp = new Error('The client hung up.');

// What went wrong with a connection, its end says, too.
function ignore(): void {}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.length >= start.length && bytes.compare(start, 0, start.length, 0, start.length) === 0;
}
