import { testRedisUrl } from '@souk/dev/test-database';
import { defaultDoorLimits } from '@souk/platform/door-limits';
import { ACCESS_SNAPSHOT_KEY, type AccessSnapshot } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import type { Peer } from '@souk/platform/peer';
import { openRedis, type RedisConnection } from '@souk/platform/redis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AccessState, followAccessState } from './access-state.ts';

const logger = createLogger('test', { level: 'silent' });
let redis: RedisConnection;
let state: AccessState;
/** What the user subgraph says: its answer, or that it is away. */
let truth: () => Promise<string | null>;
let asked: number;

const snapshot = (version: number, changes: Partial<AccessSnapshot> = {}): AccessSnapshot => ({
  version,
  revokedSessionIds: [],
  revokedKeyIds: [],
  blockedUserIds: [],
  userRoles: {},
  roleScopes: {},
  accessEntries: [],
  doorLimits: defaultDoorLimits,
  ...changes,
});
const write = (text: string) => redis.client.set(ACCESS_SNAPSHOT_KEY, text);
const isAway = () => Promise.reject(new Error('away'));
const versionIs = (version: number | undefined) =>
  vi.waitFor(() => expect(state.current()?.version).toBe(version), { timeout: 3_000, interval: 20 });

beforeEach(async () => {
  redis = openRedis({ url: await testRedisUrl(), name: 'test' });
  await redis.ready();
  truth = isAway;
  asked = 0;
});

afterEach(async () => {
  await state.close();
  await redis.close();
});

function follow(): void {
  const request = async () => {
    asked++;
    return { accessSnapshot: await truth() };
  };
  state = followAccessState({ redis, userPeer: { request, close: async () => {} } as unknown as Peer, logger });
}

describe('the access state', () => {
  it('follows the copy in Redis and leaves the user subgraph alone', async () => {
    follow();
    await expect(state.known()).rejects.toThrow();
    await write(JSON.stringify(snapshot(1)));
    await versionIs(1);
    await expect(state.known()).resolves.toBeUndefined();
    asked = 0;
    await write(JSON.stringify(snapshot(2, { blockedUserIds: ['user_1'] })));
    await versionIs(2);
    expect(state.current()?.blockedUserIds).toEqual(['user_1']);
    expect(asked).toBe(0);
  });

  it('is unknown while neither can be asked', async () => {
    follow();
    await vi.waitFor(() => expect(asked).toBeGreaterThan(1), 3_000);
    expect(state.current()).toBeUndefined();
  });

  it.each([
    ['nothing', null],
    ['no JSON', '{"version":7,'],
    ['a number', '5'],
    ['null', 'null'],
    ['half of it', '{"version":7}'],
    ['lists that are none', JSON.stringify({ ...snapshot(7), revokedSessionIds: 'all' })],
  ])('comes from the user subgraph when %s stands in Redis', async (_, text) => {
    if (text !== null) await write(text);
    truth = async () => JSON.stringify(snapshot(3));
    follow();
    await versionIs(3);
  });

  it('does not go back because of an old copy in Redis', async () => {
    await write(JSON.stringify(snapshot(5)));
    follow();
    await versionIs(5);
    await write(JSON.stringify(snapshot(4)));
    await vi.waitFor(() => expect(asked).toBeGreaterThan(1), 3_000);
    expect(state.current()?.version).toBe(5);
  });

  it('goes back when the user subgraph itself says so, because its database was restored', async () => {
    await write(JSON.stringify(snapshot(50)));
    follow();
    await versionIs(50);
    truth = async () => JSON.stringify(snapshot(2));
    await write(JSON.stringify(snapshot(2)));
    await versionIs(2);
    await write(JSON.stringify(snapshot(3, { revokedSessionIds: ['sess_1'] })));
    await versionIs(3);
  });

  it('leaves out a denied range that is none, and keeps the others', async () => {
    const entry = { effect: 'DENY', kind: 'IP_RANGE', expiresAt: null } as const;
    const good = { ...entry, subject: '192.0.2.0/24' };
    const broken = ['nonsense', '192.0.2.0/99', '', '192.0.2.0/x'].map((subject) => ({ ...entry, subject }));
    await write(JSON.stringify(snapshot(1, { accessEntries: [...broken, good] })));
    follow();
    await versionIs(1);
    expect(state.current()?.accessEntries).toEqual([good]);
  });

  it.each([
    ['without limits', undefined],
    ['with limits that are none', { address: { points: -1 } }],
  ])('takes a snapshot %s with the default ones', async (_, doorLimits) => {
    await write(JSON.stringify({ ...snapshot(1, { blockedUserIds: ['user_1'] }), doorLimits }));
    follow();
    await versionIs(1);
    expect(state.current()).toMatchObject({ blockedUserIds: ['user_1'], doorLimits: defaultDoorLimits });
  });
});
