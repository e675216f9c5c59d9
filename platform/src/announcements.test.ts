import { afterEach, expect, it } from 'vitest';
import { eventually, openTwoServices } from '../test/two-services.ts';
import { CHANGES_CHANNEL, changeIn } from './changes.ts';
import { nowPlus, transaction } from './database.ts';
import { newId } from './id.ts';
import { append, outbox } from './outbox.ts';
import { openRedis, type RedisConnection } from './redis.ts';

const services = openTwoServices();
let redis: RedisConnection | undefined;
afterEach(() => redis?.close());

/** Listens as a gateway does; what it has heard. */
async function listen(): Promise<string[]> {
  const heard: string[] = [];
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  redis = openRedis({ url: services.redisUrl, name: 'test' });
  redis.subscribe(CHANGES_CHANNEL, (message) => heard.push(changeIn(message)?.id ?? ''), resolve);
  await listening;
  return heard;
}

const change = (orderId: string) =>
  transaction(services.producer, (tx) =>
    append(tx, { type: 'order.changed', aggregateId: orderId, payload: { orderId } }),
  );

it('a change is announced to gateways when it is committed, and noted as delivered', async () => {
  const heard = await listen();
  services.runRelay();
  const orderIds = [newId('Order'), newId('Order')];
  for (const orderId of orderIds) await change(orderId);
  await eventually(async () => expect(await services.states()).toEqual(['DELIVERED', 'DELIVERED']));
  await eventually(async () => expect(heard.toSorted()).toEqual(orderIds.toSorted()));
});

it('one whose relay was killed before it knew is announced again', async () => {
  const heard = await listen();
  const orderId = newId('Order');
  await change(orderId);
  await services.producer.update(outbox).set({ state: 'QUEUED', queuedAt: nowPlus(-60) });
  services.runRelay();
  await eventually(async () => expect(heard).toEqual([orderId]));
  await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
});

it('what is no announcement is none', () => {
  expect(changeIn('nonsense')).toBeUndefined();
  expect(changeIn('{"id":1}')).toBeUndefined();
});
