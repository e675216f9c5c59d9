import { describe, expect, it } from 'vitest';
import { eventually, openTwoServices, record } from '../test/two-services.ts';
import { nowPlus } from './database.ts';
import type { AnyEventHandlers, SoukEvent } from './events.ts';
import { firstIdAt, newId } from './id.ts';
import { eventFailures, inbox, pruneInbox, receive } from './inbox.ts';
import { outbox } from './outbox.ts';

const services = openTwoServices();

describe('an inbox', () => {
  const DAY_MS = 86_400_000;
  const eventOf = (ageDays: number): SoukEvent<'order.canceled'> => ({
    id: firstIdAt('Event', Date.now() - ageDays * DAY_MS),
    type: 'order.canceled',
    aggregateId: newId('Order'),
    occurredAt: new Date(),
    payload: { orderId: newId('Order'), userId: newId('User'), status: 'CANCELED' },
  });
  const handlers = { 'order.canceled': record } as AnyEventHandlers;

  it('forgets only events that are too old to be let in again', async () => {
    const young = eventOf(89);
    expect(await receive(services.listener, handlers, young)).toBe('handled');
    const ids = [90.5, 91.5, 200].map((ageDays) => eventOf(ageDays).id);
    await services.listener.insert(inbox).values(ids.map((eventId) => ({ eventId, type: 'order.canceled' })));
    await services.listener.insert(eventFailures).values(ids.map((eventId) => ({ eventId, lastError: 'once' })));
    expect(await pruneInbox(services.listener)).toBe(2);
    const left = await services.listener.select({ eventId: inbox.eventId }).from(inbox).orderBy(inbox.eventId);
    expect(left.map(({ eventId }) => eventId)).toEqual([ids[0], young.id]);
    expect(await services.listener.select().from(eventFailures)).toMatchObject([{ eventId: ids[0] }]);

    expect(await receive(services.listener, handlers, young)).toBe('repeated');
    for (const ageDays of [90.5, 200])
      await expect(receive(services.listener, handlers, eventOf(ageDays))).rejects.toThrow(RangeError);
    expect(await services.effects()).toHaveLength(1);
  });
});

it('an event that always fails is tried ten times in all, although Redis forgets in between', {
  timeout: 30_000,
}, async () => {
  let tries = 0;
  const afterFifth = Promise.withResolvers<void>();
  await services.state(newId('Order'));
  services.run(async () => {
    if (++tries === 5) afterFifth.resolve();
    throw new Error('never');
  });
  await afterFifth.promise;
  await eventually(async () =>
    expect(await services.listener.select().from(eventFailures)).toMatchObject([{ failures: 5 }]),
  );
  await services.forgetRedis();
  await services.producer.update(outbox).set({ queuedAt: nowPlus(-60) });
  await eventually(async () => expect(await services.states()).toEqual(['PARKED']));
  expect(tries).toBe(10);
});
