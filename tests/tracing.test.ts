import { mkdtempSync, rmSync } from 'node:fs';
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
  expect(of('gateway').filter(({ name }) => name === 'gateway.fetch').length).toBeGreaterThanOrEqual(4);
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
});

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
