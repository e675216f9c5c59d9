import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedShop } from '@souk/dev/seed-shop';
import { type Shop, startShop } from '@souk/dev/shop';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ask, staff } from './client.ts';
import { graphql } from './generated/gql.ts';

interface Span {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  attributes: Record<string, unknown>;
}

const spans: Span[] = [];
const folder = mkdtempSync(join(tmpdir(), 'souk-tracing-'));
let collector: Server;
let shop: Shop;

beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      spans.push(...spansOf(JSON.parse(Buffer.concat(chunks).toString())));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  shop = await startShop({
    folder,
    durability: 'disposable',
    seed: (target) => seedShop(target, { products: 20 }),
    env: { all: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_BSP_SCHEDULE_DELAY: '200' } },
  });
});

afterAll(async () => {
  await shop?.stop();
  collector.close();
  rmSync(folder, { recursive: true, force: true });
});

const OrdersTraced = graphql(`
  query OrdersTraced {
    orders(first: 5) {
      nodes { number customer { displayName } payments { status } lines(first: 5) { nodes { variant { sku product { title } } } } }
    }
  }
`);

it('one trace shows gateway, plan, each subgraph request, resolvers and SQL', async () => {
  const admin = await staff(shop.adminUrl, 'ADMIN');
  await ask(admin, OrdersTraced);

  const found = await vi.waitFor(
    () => {
      const root = spans.find(({ service, name }) => service === 'order' && name.includes('OrdersTraced'));
      const trace = spans.filter(({ traceId }) => traceId === root?.traceId);
      // Each service sends its spans by itself.
      expect(trace.filter(({ name }) => name === 'gateway.fetch').length).toBeGreaterThanOrEqual(4);
      for (const subgraph of ['user', 'catalog', 'order', 'payment']) {
        expect(
          trace.some(({ service, name }) => service === subgraph && name === 'select'),
          subgraph,
        ).toBe(true);
      }
      return trace;
    },
    { timeout: 15_000, interval: 200 },
  );
  const of = (service: string) => found.filter((span) => span.service === service);
  expect(of('gateway').map(({ name }) => name)).toEqual(expect.arrayContaining(['gateway.plan', 'gateway.fetch']));
  for (const subgraph of ['user', 'catalog', 'order', 'payment']) {
    const names = of(subgraph).map(({ name }) => name);
    expect(names, subgraph).toEqual(
      expect.arrayContaining([expect.stringMatching(/^POST/), expect.stringMatching(/^graphql\./)]),
    );
    expect(
      names.some((name) => name === 'select'),
      subgraph,
    ).toBe(true);
  }

  const ids = new Set(found.map(({ spanId }) => spanId));
  const orphans = found.filter(({ parentSpanId }) => parentSpanId && !ids.has(parentSpanId));
  expect(orphans).toEqual([]);
  // What people typed is nobody's business in a trace.
  expect(JSON.stringify(found)).not.toContain('souk-demo');

  const request = of('gateway').find(({ name, attributes }) => name.startsWith('POST') && attributes['souk.cost']);
  expect(request?.attributes).toMatchObject({
    'graphql.operation.type': 'query',
    'graphql.document.hash': expect.stringMatching(/^[\da-f]{64}$/),
  });
  const toOrder = of('gateway').find(({ name }) => name === 'subgraph order');
  expect(toOrder?.attributes).toMatchObject({ 'souk.outcome': 'answered' });
  // The subgraph's own spans hang below.
  const sent = of('gateway')
    .filter(({ parentSpanId }) => parentSpanId === toOrder?.spanId)
    .map(({ spanId }) => spanId);
  expect(of('order').some(({ parentSpanId }) => sent.includes(parentSpanId))).toBe(true);
});

it('spans have no values of variables, literals, headers or query strings', async () => {
  const secret = 'Quamash7391';
  const id = registeredQuery();
  const asked = (query: string, variables = {}, authorization?: string) =>
    fetch(`${shop.gatewayUrl}?secret=${secret}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        cookie: secret,
        'x-api-key': secret,
        ...(authorization ? { authorization } : {}),
      },
      body: JSON.stringify({ query, variables }),
    });
  await asked('{ viewer { id } }', {}, `Bearer ${secret}`);
  await asked(`query LookForSecret { productSearch(query: "${secret}", first: 1) { nodes { id } } }`);
  await asked('query LookForVariable($query: String!) { productSearch(query: $query, first: 1) { nodes { id } } }', {
    query: secret,
  });
  await asked(`query WrongSecret { products(first: "${secret}") { nodes { id } } }`);
  const search = new URLSearchParams({
    documentId: id,
    variables: JSON.stringify({ query: secret, slug: secret, id: secret }),
  });
  await fetch(`${shop.gatewayUrl}?${search}`, { headers: { 'apollo-require-preflight': '1' } });
  await asked('query Last { productSearch(query: "last", first: 1) { nodes { id } } }');

  await vi.waitFor(
    () => expect(spans.some(({ service, name }) => service === 'catalog' && name.includes('Last'))).toBe(true),
    { timeout: 15_000, interval: 200 },
  );
  expect(spans.some(({ service, name }) => service === 'catalog' && name.includes('LookForSecret'))).toBe(true);
  expect(JSON.stringify(spans)).not.toContain(secret);
});

/** The id of a query that clients of ours have registered. */
function registeredQuery(): string {
  const file = new URL('../schema/manifests/storefront.json', import.meta.url);
  const { operations } = JSON.parse(readFileSync(file, 'utf8')) as {
    operations: { id: string; type: string; body: string }[];
  };
  return operations.find(({ type, body }) => type === 'query' && body.includes('$'))?.id ?? '';
}

function spansOf(body: unknown): Span[] {
  interface Attribute {
    key: string;
    value: Record<string, unknown>;
  }
  interface Export {
    resourceSpans: {
      resource: { attributes: Attribute[] };
      scopeSpans: {
        spans: { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes?: Attribute[] }[];
      }[];
    }[];
  }
  const values = (attributes: Attribute[] = []) =>
    Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  return (body as Export).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map(({ traceId, spanId, parentSpanId = '', name, attributes }) => ({
        service: String(values(resource.attributes)['service.name']),
        traceId,
        spanId,
        parentSpanId,
        name,
        attributes: values(attributes),
      })),
    ),
  );
}
