import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmptyDatabase, type TestDatabase, testRedisUrl } from '../../dev/test-database.ts';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  scope: string;
  service: string;
  attributes: { key: string; value: { stringValue?: string } }[];
}

/** An OTLP/HTTP collector that keeps what it gets. */
const spans: Span[] = [];
const bodies: string[] = [];
let collector: Server;
let database: TestDatabase;
let redisUrl: string;

beforeAll(async () => {
  collector = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    bodies.push(body);
    spans.push(...readSpans(body));
    response.end('{}');
  }).listen(0, '127.0.0.1');
  [database, redisUrl] = await Promise.all([createEmptyDatabase(), testRedisUrl(), once(collector, 'listening')]);
});

afterAll(async () => {
  collector.close();
  await database.drop();
});

function readSpans(body: string): Span[] {
  const { resourceSpans } = JSON.parse(body) as {
    resourceSpans: {
      resource: { attributes: Span['attributes'] };
      scopeSpans: { scope: { name: string }; spans: Omit<Span, 'scope' | 'service'>[] }[];
    }[];
  };
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({ ...span, scope: scope.name.replace('@opentelemetry/instrumentation-', ''), service })),
    );
  });
}

/** Runs the service as ours are run, until `use` is done. */
async function withService(env: Record<string, string>, use: (address: string) => Promise<void>): Promise<string> {
  const service: ChildProcess = spawn(
    process.execPath,
    [
      '--import',
      '@souk/platform/preload',
      fileURLToPath(new URL('../test/traced-service.ts', import.meta.url)),
      database.url,
      redisUrl,
    ],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let complaints = '';
  service.stderr?.on('data', (bytes) => {
    complaints += bytes;
  });
  const ended = once(service, 'exit');
  const [address] = (await Promise.race([
    once(service.stdout as NodeJS.ReadableStream, 'data'),
    ended.then(() => Promise.reject(new Error(`the service did not start: ${complaints}`))),
  ])) as [Buffer];
  try {
    await use(String(address).trim());
  } finally {
    service.kill();
    await ended;
  }
  return complaints;
}

const collecting = () => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
  OTEL_SERVICE_NAME: 'order',
});

describe('with a collector', () => {
  beforeAll(async () => {
    const complaints = await withService(collecting(), async (address) => {
      for (const path of ['/livez', '/outer']) await (await fetch(address + path)).text();
    });
    expect(complaints).toBe('');
  });

  test('one request is one trace, from HTTP through GraphQL and the next service to SQL and Redis', () => {
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1);
    expect(new Set(spans.map((span) => span.service))).toEqual(new Set(['order']));
    expect(pathTo('mysql2')).toEqual(['http', 'graphql', 'graphql', 'undici', 'http', 'mysql2']);
    expect(pathTo('ioredis')).toEqual(['http', 'graphql', 'graphql', 'undici', 'http', 'ioredis']);
  });

  test('spans show statements and fields, and no values', () => {
    const attributes = spans.flatMap((span) => span.attributes).map(({ value }) => value.stringValue);
    expect(attributes).toContain('SELECT ? AS answer');
    expect(attributes).toContain('INSERT INTO secrets VALUES (?)');
    expect(attributes).toContain('{ secretOf(name: "*") }');
    expect(bodies.join()).toContain('Duplicate entry for key');
    expect(bodies.join()).not.toContain('hunter2');
  });

  test('health checks and the search for work leave no trace', () => {
    expect(bodies.join()).not.toContain('/livez');
    expect(spans.filter((span) => !span.parentSpanId)).toHaveLength(1);
  });

  /** The instrumentations from the root span down to the first span of this one. */
  function pathTo(scope: string): string[] {
    const path: string[] = [];
    for (let span = spans.find((each) => each.scope === scope); span; span = parentOf(span)) path.unshift(span.scope);
    return path;
  }

  function parentOf(span: Span): Span | undefined {
    return spans.find((each) => each.spanId === span.parentSpanId);
  }
});

describe('without a collector', () => {
  test('nothing is loaded, sent or said', async () => {
    bodies.length = 0;
    const complaints = await withService({ OTEL_SERVICE_NAME: 'order' }, async (address) => {
      expect(await (await fetch(`${address}/outer`)).json()).toEqual({ data: { secretOf: 'done' } });
    });
    expect(complaints).toBe('');
    expect(bodies).toEqual([]);
  });

  test('a dead collector hinders neither work nor stopping', async () => {
    await withService({ ...collecting(), OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }, async (address) => {
      expect((await fetch(`${address}/outer`)).status).toBe(200);
    });
  });
});
