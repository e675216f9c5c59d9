import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type HttpPool, openHttpPool } from '@souk/platform/http-client/pool';
import { answerHead } from '../../../gateway/src/wire/answer-head.ts';
import type { PlainConnection, PlainRequest } from '../../../gateway/src/wire/plain-connection.ts';
import { readPlainRequests } from '../../../gateway/src/wire/plain-requests.ts';
import { UNIQUE_ID } from '../workloads.ts';
import { operationOf, type Recording, take } from './floor.ts';

/** What `floor.ts` does, over the connections that Souk's gateway has to clients and to subgraphs. */
function serve(port: number, recording: Recording): void {
  const pools = new Map<string, HttpPool>();

  function poolOf(origin: string): HttpPool {
    const pool = pools.get(origin) ?? openHttpPool({ origin, connections: 64 });
    pools.set(origin, pool);
    return pool;
  }

  function ask(url: string, body: string): Promise<unknown> {
    const { origin, pathname: path } = new URL(url);
    return new Promise((resolve, reject) => {
      poolOf(origin).post({
        ...{ path, headers: {}, body, mayShare: true },
        onResponse: ({ text }) => resolve(JSON.parse(text)),
        onFailure: reject,
      });
    });
  }

  async function answer({ body }: PlainRequest, connection: PlainConnection): Promise<void> {
    const text = body.toString();
    const { query } = JSON.parse(text) as { query: string };
    const [, operation = ''] = /^\s*query (\w+)/.exec(query) ?? [];
    const recorded = recording[operationOf(operation, text)];
    const [id] = text.match(UNIQUE_ID) ?? [];
    if (recorded) await take(recorded.steps, id, ask);
    const data = Buffer.from(JSON.stringify({ data: recorded?.answer }));
    connection.answer(answerHead(200, { 'content-type': 'application/json' }, data.length), data);
  }

  const server = createServer((_request, response) => response.writeHead(404).end());
  const requests = readPlainRequests(server, { keepAliveMs: 60_000, isLeaving: () => false });
  requests.onPost('/', (request, connection) => {
    void answer(request, connection);
    return true;
  });
  server.listen(port, '127.0.0.1');
}

const [port = '', recordingFile = ''] = process.argv.slice(2);
serve(Number(port), JSON.parse(readFileSync(recordingFile, 'utf8')) as Recording);
