import { isIPv6 } from 'node:net';
import { buildConnector, Pool } from 'undici';

/** No connection came about, so nothing was sent: the other side cannot have done anything. */
export class NotConnected extends Error {
  override readonly name = 'NotConnected';
}

const CONNECT_TIMEOUT_MS = 250;
/**
 * A connection that nobody needs is let go before a service that leaves would close it (`LEAVE_NOTICE` of service.ts): a request that crosses such an end on
 * its way is lost, and nobody knows whether it arrived.
 */
const REST_MS = 2_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * Opens keep-alive connections to one other service. A connection has 250 ms to come about, an answer may have 4 MB.
 *
 * @param origin      scheme, host and port
 * @param connections how many there may be at once; further requests wait for one
 * @param ip          the one address of the host to connect to, where it has several; the host's name is still what is asked for and what a certificate is held against
 */
export function openHttpPool({ origin, connections, ip }: { origin: string; connections: number; ip?: string }): Pool {
  const connect = buildConnector({
    timeout: CONNECT_TIMEOUT_MS,
    ...(ip === undefined ? {} : { lookup: always(ip) }),
  } as buildConnector.BuildOptions);
  return new Pool(origin, {
    connections,
    connect: inTime(connect),
    keepAliveTimeout: REST_MS,
    keepAliveMaxTimeout: REST_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
}

/** undici's own limit is coarse: it takes 250 ms for a second. */
function inTime(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    let isAwaited = true;
    const fail = (cause: Error) => {
      isAwaited = false;
      callback(new NotConnected(`No connection to ${target.hostname}:${target.port}.`, { cause }), null);
    };
    const giveUp = () => {
      if (isAwaited) fail(new Error(`Nobody answered in ${CONNECT_TIMEOUT_MS} ms.`));
    };
    // When this process was busy for that long, the news of the connection is there as well and comes first.
    const timer = setTimeout(() => setImmediate(giveUp), CONNECT_TIMEOUT_MS);
    connect(target, (error, socket) => {
      clearTimeout(timer);
      if (!isAwaited) {
        socket?.destroy();
        return;
      }
      if (error) return fail(error);
      isAwaited = false;
      callback(null, socket);
    });
  };
}

type Lookup = (
  hostname: string,
  options: { all?: boolean },
  callback: (error: null, address: string | { address: string; family: number }[], family?: number) => void,
) => void;

function always(address: string): Lookup {
  const family = isIPv6(address) ? 6 : 4;
  return (_hostname, { all }, callback) =>
    all ? callback(null, [{ address, family }]) : callback(null, address, family);
}
