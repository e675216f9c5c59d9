import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands in for one instance of a subgraph: a real HTTP server that behaves as a test wants it to. */
export interface FakeSubgraph {
  url: string;
  port: number;
  /** The queries it was asked, without its caller's looks whether it works again. */
  asked: string[];
  /** How often its caller looked whether it works again. */
  looks: number;
  /** The headers of the last request. */
  headers: Record<string, unknown>;
  /** From now on it does this with every request, whose body has been read. */
  behave(listener: RequestListener): void;
  /** It is gone: its connections are cut and new ones are refused. */
  die(): Promise<void>;
  /** It is back at the same port. */
  live(): Promise<void>;
  close(): Promise<void>;
}

export interface FakeSubgraphOptions {
  host?: string;
  port?: number;
}

export const answerWith =
  (body: unknown): RequestListener =>
  (_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
export const cut: RequestListener = (request) => request.socket.destroy();
export const say500: RequestListener = (_request, response) =>
  response.writeHead(500).end('stack trace at /srv/secret');
export const hang: RequestListener = () => {};

export async function startFakeSubgraph(
  listener: RequestListener = answerWith({ data: { order: { id: 'x' } } }),
  { host = '127.0.0.1', port = 0 }: FakeSubgraphOptions = {},
): Promise<FakeSubgraph> {
  let behaviour = listener;
  const server = createServer(async (request, response) => {
    // Ignored, whoever hangs up in the middle.
    request.on('error', () => {});
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    const { query } = JSON.parse(body) as { query: string };
    if (query === '{ __typename }') fake.looks++;
    else fake.asked.push(query);
    fake.headers = request.headers;
    behaviour(request, response);
  });
  const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, host, resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await listen(port);
  const { port: taken } = server.address() as AddressInfo;
  const fake: FakeSubgraph = {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/graphql`,
    port: taken,
    asked: [],
    looks: 0,
    headers: {},
    behave(next) {
      behaviour = next;
    },
    die: stop,
    live: () => listen(taken),
    close: stop,
  };
  return fake;
}
