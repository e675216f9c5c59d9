import { connect as connectTcp, isIP, isIPv6, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { CallFailure } from '../call-failure.ts';

/** Where a server listens. */
export interface Target {
  /** Of which scheme, host and port count. */
  url: URL;
  /** The one address of the host to connect to, where it has several; its name is still what a certificate is held against. */
  ip?: string | undefined;
  /** Of the last connection with TLS, which makes the next one cheaper. */
  session?: Buffer | undefined;
}

/** Hears what becomes of a socket: `onReady` or `onEnd` first, nothing after `onEnd`. */
export interface SocketListener {
  onReady(): void;
  /** What it received, which may be used for something else once this returns. */
  onBytes(bytes: Buffer): void;
  /** It has ended, or never came about: then the failure is `not-sent`. */
  onEnd(failure: CallFailure | undefined): void;
}

const CONNECT_TIMEOUT_MS = 250;
/** As undici has it, so that routers in between do not forget the connection. */
const PROBE_AFTER_MS = 60_000;
/** What was received is read at once, so that one place is enough for all sockets. */
const received = Buffer.allocUnsafeSlow(64 * 1024);

/** Opens a socket, with TLS for `https:`. It has 250 ms to come about. */
export function openSocket(target: Target, listener: SocketListener): Socket {
  const isSecure = target.url.protocol === 'https:';
  const socket = isSecure ? openTls(target) : openTcp(target, listener);
  const { host } = target.url;
  let isReady = false;
  let isOver = false;

  const end = (cause?: Error) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    socket.destroy();
    if (isReady && !cause) listener.onEnd(undefined);
    else if (isReady)
      listener.onEnd(new CallFailure('cut', 'The connection ended before there was an answer.', { cause }));
    else listener.onEnd(new CallFailure('not-sent', `No connection to ${host}.`, { cause }));
  };
  const giveUp = () => {
    if (!isReady) end(new Error(`Nobody answered in ${CONNECT_TIMEOUT_MS} ms.`));
  };
  // When this process was busy for that long, the news of the connection is there as well and comes first.
  const timer = setTimeout(() => setImmediate(giveUp), CONNECT_TIMEOUT_MS);

  socket.setNoDelay(true);
  socket.setKeepAlive(true, PROBE_AFTER_MS);
  socket.once(isSecure ? 'secureConnect' : 'connect', () => {
    if (isOver) return;
    isReady = true;
    clearTimeout(timer);
    listener.onReady();
  });
  if (isSecure) socket.on('data', (bytes: Buffer) => void (isOver || listener.onBytes(bytes)));
  socket.on('end', () => end());
  socket.on('error', end);
  socket.on('close', () => end());
  return socket;
}

function openTcp({ url, ip }: Target, listener: SocketListener): Socket {
  const onread: OnReadOpts = {
    buffer: received,
    callback(length) {
      listener.onBytes(received.subarray(0, length));
      return true;
    },
  };
  return connectTcp({ ...addressOf(url, ip, 80), onread } as TcpNetConnectOpts);
}

function openTls(target: Target): Socket {
  const { url, ip, session } = target;
  const host = hostOf(url);
  const socket = connectTls({
    ...addressOf(url, ip, 443),
    session,
    ALPNProtocols: ['http/1.1'],
    // An address is no name that could be asked for (RFC 6066, section 3).
    ...(isIP(host) ? {} : { servername: host }),
  } as ConnectionOptions);
  socket.on('session', (given) => {
    target.session = given;
  });
  return socket;
}

function addressOf(url: URL, ip: string | undefined, defaultPort: number): TcpNetConnectOpts {
  const port = Number(url.port || defaultPort);
  return { host: hostOf(url), port, ...(ip === undefined ? {} : { lookup: always(ip) }) };
}

/** IPv6 addresses stand in brackets in URLs. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

function always(address: string): NonNullable<TcpNetConnectOpts['lookup']> {
  const family = isIPv6(address) ? 6 : 4;
  return (_hostname, { all }, callback) =>
    all ? callback(null, [{ address, family }]) : callback(null, address, family);
}
