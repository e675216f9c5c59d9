import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The code of errors that are meant to be: one that nothing else in a measurement has. */
export const MADE_TO_FAIL = 'FORBIDDEN';
const EVERY = 25;

/** Stands before a subgraph of entities, and answers one request of many with an error instead. @returns its address */
export async function failNowAndThen(url: string): Promise<{ url: string; close(): void }> {
  let requests = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const answer = ++requests % EVERY === 0 ? failureOf(body.toString()) : await askFor(body);
    response.setHeader('content-type', 'application/json').end(answer);
  });
  async function askFor(body: Buffer): Promise<string> {
    const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return answer.text();
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function failureOf(body: string): string {
  const { variables = {} } = JSON.parse(body) as { variables?: { representations?: unknown[] } };
  const { representations = [] } = variables;
  return JSON.stringify({
    data: { _entities: representations.map(() => null) },
    errors: [{ message: 'Not this time.', path: ['_entities', 0], extensions: { code: MADE_TO_FAIL } }],
  });
}
