import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import { createLogger } from '@souk/platform/logger';
import { afterEach, expect, it, vi } from 'vitest';
import { type Connections, createConnections } from './connections.ts';

const logger = createLogger('test', { level: 'silent' });
const plenty = { connections: 10, connectionsPerAddress: 10, connectionsPerUser: 10, subscriptionsPerConnection: 10 };
const person = (userId: string, ...scopes: string[]): Viewer => ({
  userId,
  sessionId: 'sess_1',
  roles: ['CUSTOMER'],
  scopes: new Set(scopes),
});

let connections: Connections | undefined;
afterEach(() => connections?.close());

function open(limits: Partial<typeof plenty> = {}): Connections {
  connections = createConnections({ limits: { ...plenty, ...limits }, logger });
  return connections;
}

const limited = expect.objectContaining({ code: 'RATE_LIMITED', retryable: true });

it('there are so many at a time, and room again when one is closed', () => {
  const { open: connect } = open({ connections: 2 });
  const [first] = [connect('192.0.2.1'), connect('192.0.2.2')];
  expect(() => connect('192.0.2.3')).toThrow(limited);
  first.close();
  first.close();
  connect('192.0.2.3');
  expect(() => connect('192.0.2.4')).toThrow(limited);
});

it('one network has so many, whatever addresses it takes', () => {
  const { open: connect } = open({ connectionsPerAddress: 2 });
  const first = connect('2001:db8::1');
  connect('2001:db8::2');
  expect(() => connect('2001:db8::3')).toThrow(limited);
  connect('192.0.2.1');
  first.close();
  connect('2001:db8::3');
});

it('one user has so many, from wherever', () => {
  const { open: connect } = open({ connectionsPerUser: 1 });
  const [first, second] = [connect('192.0.2.1'), connect('192.0.2.2')];
  first.belongsTo(person('ann'), async () => person('ann'));
  expect(() => second.belongsTo(person('ann'), async () => person('ann'))).toThrow(limited);
  second.belongsTo(person('bob'), async () => person('bob'));
  second.close();
  first.close();
  connect('192.0.2.1').belongsTo(person('ann'), async () => person('ann'));
});

it('who is found out after the client has gone does not count', () => {
  const { open: connect } = open({ connectionsPerUser: 1 });
  const gone = connect('192.0.2.1');
  gone.close();
  gone.belongsTo(person('ann'), async () => person('ann'));
  connect('192.0.2.1').belongsTo(person('ann'), async () => person('ann'));
});

it('one connection has so many subscriptions', () => {
  const connection = open({ subscriptionsPerConnection: 1 }).open('192.0.2.1');
  const end = connection.addSubscription();
  expect(() => connection.addSubscription()).toThrow(limited);
  end();
  connection.addSubscription();
});

it('who may not go on is let go; who cannot be asked for stays', async () => {
  const connection = open().open('192.0.2.1');
  let answer: Viewer | SoukError = new SoukError('SUBGRAPH_UNAVAILABLE', 'Not now.', { retryable: true });
  let asked = 0;
  connection.belongsTo(person('ann'), async () => {
    asked++;
    if (answer instanceof SoukError) throw answer;
    return answer;
  });
  await vi.waitFor(() => expect(asked).toBeGreaterThan(1), 5_000);
  expect(connection.signal.aborted).toBe(false);
  answer = new SoukError('UNAUTHENTICATED', 'Signed out.');
  await vi.waitFor(() => expect(connection.signal.reason).toEqual({ kind: 'refused', error: answer }), 5_000);
});

it('whose rights change is looked at again, once', async () => {
  const connection = open().open('192.0.2.1');
  let viewer = person('ann', 'order:read');
  let asked = 0;
  connection.belongsTo(viewer, async () => {
    asked++;
    return viewer;
  });
  const changed = vi.fn();
  connection.onChangedViewer(changed);
  viewer = person('ann');
  await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1), 5_000);
  const before = asked;
  await vi.waitFor(() => expect(asked).toBeGreaterThan(before + 1), 5_000);
  expect(changed).toHaveBeenCalledTimes(1);
});

it('a gateway that leaves ends all, and those that still come', () => {
  const all = open();
  const early = all.open('192.0.2.1');
  all.leave();
  expect([early.signal.reason, all.open('192.0.2.1').signal.reason]).toEqual([
    { kind: 'leaving' },
    { kind: 'leaving' },
  ]);
});
