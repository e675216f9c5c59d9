import { CallFailure } from '../call-failure.ts';
import type { Exchange } from './exchange.ts';
import { openSocket, type Target } from './open-socket.ts';
import { createResponseReader, type HttpResponse } from './response-reader.ts';

/** A connection to a server, on which requests are answered in the order in which they were sent. */
export interface Connection {
  /** Sends requests with one write, as soon as there is a connection. Only to one that is new or free. */
  send(exchanges: readonly Exchange[]): void;
  /** The answer to one of its requests is not wanted any more. When none is, the connection ends, and the server learns that it may stop. */
  abandon(): void;
  /** Ends it. */
  end(): void;
  /** For how long the server keeps it while it rests; undefined when it did not say. */
  keepsAliveMs(): number | undefined;
}

export interface ConnectionListener {
  /** All its requests are answered, and it may have others. */
  onFree(connection: Connection): void;
  /** It has ended. */
  onGone(connection: Connection): void;
  /** All that was written at once is answered, or is not wanted any more, so long after it was written. */
  onAnswer(tookMs: number): void;
  /** Not all went as it should. */
  onTrouble(): void;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Opens a connection.
 *
 * After anything odd it is never used again: bytes that nobody asked for, more than were announced, whatever the reader does not understand. Otherwise one
 * client might be given the answer to another.
 */
export function openConnection(target: Target, listener: ConnectionListener): Connection {
  let unwritten: readonly Exchange[] = [];
  /** Those that are sent, in the order in which they will be answered. */
  let awaited: Exchange[] = [];
  let isReady = false;
  let isGone = false;
  let isOver = false;
  let writtenAtMs = 0;
  let keepsAliveMs: number | undefined;
  const reader = createResponseReader({ maxBodyBytes: MAX_ANSWER_BYTES, onResponse });

  const socket = openSocket(target, {
    onReady() {
      isReady = true;
      write();
    },
    onBytes,
    onEnd(failure) {
      try {
        if (isReady && !failure) reader.end();
      } catch {}
      leave(failure);
    },
  });

  const connection: Connection = {
    send(exchanges) {
      for (const exchange of exchanges) exchange.connection = connection;
      unwritten = exchanges;
      write();
    },
    abandon() {
      if (awaited.length === 0 || !awaited.every(({ isAbandoned }) => isAbandoned)) return;
      listener.onAnswer(performance.now() - writtenAtMs);
      leave(undefined);
    },
    end: () => leave(undefined),
    keepsAliveMs: () => keepsAliveMs,
  };
  return connection;

  function write(): void {
    if (!isReady) return;
    awaited = unwritten.filter(({ isAbandoned }) => !isAbandoned);
    unwritten = [];
    if (awaited.length === 0) {
      listener.onFree(connection);
      return;
    }
    writtenAtMs = performance.now();
    if (awaited.every(({ text }) => text.isAscii)) {
      let all = '';
      for (const { text } of awaited) all += text.head + text.body;
      socket.write(all, 'latin1');
    } else {
      const parts = awaited.flatMap(({ text }) => [Buffer.from(text.head, 'latin1'), Buffer.from(text.body)]);
      socket.write(Buffer.concat(parts));
    }
  }

  function onBytes(bytes: Buffer): void {
    if (isGone) return;
    if (awaited.length === 0) {
      leave(unasked());
      return;
    }
    try {
      reader.take(bytes);
    } catch (failure) {
      leave(failure as CallFailure);
      return;
    }
    if (isOver) leave(undefined);
    else if (awaited.length > 0) return;
    else if (!reader.isBetween()) leave(unasked());
    else listener.onFree(connection);
  }

  function onResponse(response: HttpResponse): void {
    if (isOver) throw unasked();
    const exchange = awaited.shift();
    if (!exchange) throw unasked();
    keepsAliveMs = response.keepsAliveMs;
    // Who answers before he was told everything may mean something else than what he was asked.
    isOver = response.isLast || socket.writableLength > 0;
    if (awaited.length === 0) listener.onAnswer(performance.now() - writtenAtMs);
    if (!exchange.isAbandoned) exchange.post.onResponse(response);
  }

  /** Those behind the one that an end has cut off have not been answered because of it, and so have all behind an answer that was the last one. */
  function leave(failure: CallFailure | undefined): void {
    if (isGone) return;
    isGone = true;
    socket.destroy();
    const lost = [...awaited, ...unwritten].filter(({ isAbandoned }) => !isAbandoned);
    const cutOff = isReady && !isOver ? awaited[0] : undefined;
    awaited = [];
    unwritten = [];
    listener.onGone(connection);
    if (failure || isOver || lost.length > 0) listener.onTrouble();
    for (const exchange of lost) {
      if (!isReady || exchange === cutOff) exchange.post.onFailure(failure ?? cut());
      else exchange.post.onFailure(passedOver());
    }
  }
}

function unasked(): CallFailure {
  return new CallFailure('wrong-answer', 'Expected silence, got bytes that nobody had asked for.');
}

function cut(): CallFailure {
  return new CallFailure('cut', 'The connection ended before there was an answer.');
}

function passedOver(): CallFailure {
  return new CallFailure('passed-over', 'The connection ended before it was the turn of this request.');
}
