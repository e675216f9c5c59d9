import { mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { byName } from '@souk/dev/by-name';
import { removeFolderAfterwards } from '@souk/dev/child';
import { type LoneGateway, startLoneGateway, tellAccessState } from '@souk/dev/lone-gateway';
import { subgraphNames } from '@souk/schema/subgraphs';
import { answerWith, type FakeSubgraph, startFakeSubgraph } from '../../platform/test/fake-subgraph.ts';
import { counter } from '../../tests/counters.ts';
import { openTokenIssuer } from './token-issuer.ts';

/** The gateway as a process, with the storefront's supergraph: a subgraph of products that always works, and one of orders that does as a test wants it to. */
export interface GatewayProcess extends Pick<LoneGateway, 'url'> {
  orders: FakeSubgraph;
  /** Of a customer who is signed in. */
  headers: Record<string, string>;
  ask(query: string, variables?: Record<string, unknown>, signal?: AbortSignal): Promise<ProcessAnswer>;
  /** Lets clients ask for products, each as soon as the one before is answered. @returns how to have them stop and tell what became of each request */
  innocents(): () => Promise<string[]>;
  /** One of the gateway's own metrics, summed over the labels that are not told. */
  metric(name: string, labels?: string): Promise<number>;
  close(): Promise<void>;
}

export interface ProcessAnswer {
  status: number;
  data?: Record<string, unknown> | null;
  codes: string[];
  bytes: number;
}

const INNOCENTS = 3;
const PRODUCT = 'query Innocent($id: ID!) { product(id: $id) { title } }';
const supergraphFile = new URL('../../schema/gateway/storefront.graphql', import.meta.url).pathname;

export async function startGatewayProcess(
  redisUrl: string,
  settings: Record<string, string> = {},
): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'souk-gateway-'));
  removeFolderAfterwards(folder);
  const [orders, products, issuer] = await Promise.all([
    startFakeSubgraph(),
    startFakeSubgraph(answerWith({ data: { product: { title: 'Tea' } } })),
    openTokenIssuer(),
  ]);
  const keys = createServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end(issuer.jwks),
  );
  const jwksUrl = await listen(keys);
  const urls = byName(subgraphNames, (name) => (name === 'order' ? orders.url : products.url));
  await tellAccessState(redisUrl);
  const gateway = await startLoneGateway('gateway', {
    folder,
    redisUrl,
    settings: {
      NODE_ENV: 'production',
      SUPERGRAPH_STOREFRONT_FILE: supergraphFile,
      SUBGRAPH_URLS: JSON.stringify(urls),
      JWKS_URL: jwksUrl,
      ...settings,
    },
  });
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${await issuer.token()}` };

  async function ask(query: string, variables = {}, signal?: AbortSignal): Promise<ProcessAnswer> {
    const body = JSON.stringify({ query, variables });
    const answer = await fetch(gateway.url, { method: 'POST', headers, body, ...(signal ? { signal } : {}) });
    const text = await answer.text();
    const { data, errors = [] } = JSON.parse(text) as { data?: ProcessAnswer['data']; errors?: CodedError[] };
    return {
      status: answer.status,
      ...(data === undefined ? {} : { data }),
      codes: errors.map(({ extensions }) => extensions.code),
      bytes: text.length,
    };
  }

  await gateway.ready();
  await ask(PRODUCT, { id: 'first' });

  return {
    url: gateway.url,
    orders,
    headers,
    ask,
    innocents() {
      const outcomes: string[] = [];
      let asked = 0;
      let isOver = false;
      const keepAsking = async () => {
        while (!isOver) {
          const answer = await ask(PRODUCT, { id: `product-${asked++}` });
          const isAnswered = answer.status === 200 && answer.codes.length === 0;
          outcomes.push(isAnswered ? 'answered' : [answer.status, ...answer.codes].join(' '));
        }
      };
      const all = Promise.all(Array.from({ length: INNOCENTS }, keepAsking));
      return async () => {
        isOver = true;
        await all;
        return outcomes;
      };
    },
    metric: (name, labels) => counter(`${gateway.internalUrl}/metrics`, name, labels),
    async close() {
      await gateway.child.stop();
      keys.close();
      await Promise.all([orders.close(), products.close()]);
    },
  };
}

interface CodedError {
  extensions: { code: string };
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`));
  });
}
