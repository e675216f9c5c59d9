import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '@souk/platform/logger';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestScope } from './request-scope.ts';
import { createSubgraphClient, type SubgraphClient } from './subgraph-client.ts';

const scope: RequestScope = {
  requestId: 'request-1',
  viewer: null,
  clientIp: '192.0.2.7',
  clientAgent: 'test',
  log: createLogger('test', { level: 'silent' }),
};
const signer = { assertion: async (audience: string) => `signed for ${audience}` };
let server: Server;
let client: SubgraphClient;

afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

async function ask(listener: RequestListener, query = '{ order { id } again: order { id } }') {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  client = createSubgraphClient({ name: 'order', url, queryTimeoutMs: 300, mutationTimeoutMs: 600, signer });
  return client.process({
    kind: 'incoming operation',
    request: { query, variables: { id: 1 } },
    context: scope,
  } as unknown as Parameters<SubgraphClient['process']>[0]);
}

const json =
  (body: unknown): RequestListener =>
  (_request, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body));

describe('a subgraph client', () => {
  it('says who asks, for which request, and until when', async () => {
    let headers: Record<string, unknown> = {};
    await ask((request, response) => {
      headers = request.headers;
      response.end('{"data":{"order":null}}');
    });
    expect(headers).toMatchObject({
      'souk-assertion': 'signed for order',
      'x-request-id': 'request-1',
      'souk-client-ip': '192.0.2.7',
      'souk-client-agent': 'test',
    });
    const left = Number(headers['souk-deadline']) - Date.now();
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(300);
  });

  it('passes data and errors of the subgraph on', async () => {
    const answer = {
      data: { order: { id: 'x' } },
      errors: [{ message: 'no', path: ['again'], extensions: { code: 'FORBIDDEN' } }],
    };
    expect(await ask(json(answer))).toEqual(answer);
  });

  it.each<[string, RequestListener, string]>([
    ['says 500', (_, response) => response.writeHead(500).end('stack trace at /srv/secret'), 'SUBGRAPH_UNAVAILABLE'],
    [
      'does not believe the gateway',
      (_, response) => response.writeHead(401).end('{"errors":[]}'),
      'SUBGRAPH_UNAVAILABLE',
    ],
    ['hangs up', (request) => request.socket.destroy(), 'SUBGRAPH_UNAVAILABLE'],
    ['answers something else than JSON', (_, response) => response.end('<html>'), 'SUBGRAPH_UNAVAILABLE'],
    ['answers other JSON', (_, response) => response.end('[]'), 'SUBGRAPH_UNAVAILABLE'],
    ['answers null', (_, response) => response.end('null'), 'SUBGRAPH_UNAVAILABLE'],
    [
      'answers too much',
      (_, response) => response.end(`{"data":{"order":"${'x'.repeat(5 * 1024 * 1024)}"}}`),
      'SUBGRAPH_UNAVAILABLE',
    ],
    ['never answers', () => {}, 'SUBGRAPH_TIMEOUT'],
    ['stops in the middle', (_, response) => void response.write('{"data":'), 'SUBGRAPH_TIMEOUT'],
  ])('gives each lost field an error and nothing internal when the subgraph %s', async (_, listener, code) => {
    const { data, errors } = await ask(listener);
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      { path: ['order'], extensions: { code, retryable: true } },
      { path: ['again'], extensions: { code, retryable: true } },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/127\.0\.0\.1|secret|html|ECONN/);
  });

  it('names the fields of entities by their place in the entity', async () => {
    const query =
      'query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Order { payments { id } due: amountDue { amount } } } }';
    const { errors } = await ask((request) => request.socket.destroy(), query);
    expect(errors?.map(({ path }) => path)).toEqual([
      ['_entities', 0, 'payments'],
      ['_entities', 0, 'due'],
    ]);
  });
});
