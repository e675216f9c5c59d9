import { testRedisUrl } from '@souk/dev/test-database';
import { openRedis } from '@souk/platform/redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { announceOnRedis, channelOf } from './announce.ts';
import type { Publication } from './registry.ts';

const contract = (hash: string) => ({ supergraph: '', api: '', hash });
const publication: Publication = {
  stage: 'staging',
  number: 12,
  kind: 'publish',
  takenFrom: null,
  author: 'noor',
  publishedAt: '2026-11-21T12:00:00.000Z',
  reason: null,
  check: { passed: true, breaking: 0, exposing: 0, dangerous: 0, safe: 1, changes: [] },
  hash: 'graph',
  subgraphs: [],
  contracts: { storefront: contract('s12'), admin: contract('a12') },
};

describe('an announcement', () => {
  let url: string;
  let redis: ReturnType<typeof openRedis>;
  beforeAll(async () => {
    url = await testRedisUrl();
    redis = openRedis({ url, name: 'a gateway' });
    await redis.ready();
  });
  afterAll(() => redis.close());

  it('tells each variant of the stage its number and hash', async () => {
    const heard = new Map<string, string>();
    for (const variant of ['storefront@staging', 'admin@staging', 'storefront@production'] as const) {
      redis.subscribe(channelOf(variant), (message) => heard.set(variant, message));
    }
    const announce = announceOnRedis(url, (sentence) => expect.fail(sentence));
    await expect
      .poll(async () => {
        await announce(publication);
        return [...heard].sort();
      })
      .toEqual([
        ['admin@staging', '{"number":12,"hash":"a12"}'],
        ['storefront@staging', '{"number":12,"hash":"s12"}'],
      ]);
  });

  it('warns when Redis is away, and fails nobody', async () => {
    const warnings: string[] = [];
    await announceOnRedis('redis://127.0.0.1:1', (sentence) => warnings.push(sentence))(publication);
    expect(warnings).toEqual([expect.stringContaining('gateways find out when they look')]);
  });
});
