import { eq, sql } from 'drizzle-orm';
import { register } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { eventually, openTwoServices, record } from '../test/two-services.ts';
import { nowPlus } from './database.ts';
import { newId } from './id.ts';
import { eventFailures } from './inbox.ts';
import { backlogs, claim, markDelivered, outbox, parkedEvents, pruneOutbox, redrive } from './outbox.ts';

const services = openTwoServices();

describe('an event that its listener cannot handle', () => {
  /** All but one of the ten tries are used up, so that the next failure is the last. */
  async function lastTryOf(orderId: string): Promise<string> {
    const [row] = await services.producer.select().from(outbox).where(eq(outbox.aggregateId, orderId)).limit(1);
    const eventId = row?.eventId ?? '';
    await services.listener.insert(eventFailures).values({ eventId, failures: 9, lastError: 'before' });
    return eventId;
  }

  it('is parked with its reason, holds back its aggregate alone, and is delivered in its old place when it is sent again', async () => {
    let isBroken = true;
    const [stuck, other] = [newId('Order'), newId('Order')];
    await services.state(stuck, 'CANCELED');
    await services.state(stuck, 'EXPIRED');
    await services.state(other, 'CANCELED');
    const eventId = await lastTryOf(stuck);
    services.run(async (tx, event) => {
      if (isBroken && event.aggregateId === stuck) throw new Error('no such refund');
      await record(tx, event);
    });
    await eventually(async () => expect(await services.states()).toEqual(['PARKED', 'PENDING', 'DELIVERED']));
    expect(await parkedEvents(services.producer)).toMatchObject([
      { eventId, subscriber: 'payment', lastError: 'no such refund' },
    ]);

    isBroken = false;
    expect(await redrive(services.producer, { eventId, subscriber: 'catalog' })).toEqual([]);
    expect(await redrive(services.producer, { eventId: newId('Event') })).toEqual([]);
    expect(await services.states()).toEqual(['PARKED', 'PENDING', 'DELIVERED']);
    expect(await redrive(services.producer, { eventId })).toMatchObject([{ eventId }]);
    await eventually(async () => expect(await services.states()).toEqual(Array(3).fill('DELIVERED')));
    expect(await services.effects()).toEqual([
      { aggregateId: other, status: 'CANCELED' },
      { aggregateId: stuck, status: 'CANCELED' },
      { aggregateId: stuck, status: 'EXPIRED' },
    ]);
    expect(await redrive(services.producer)).toEqual([]);
  });

  it('is parked again, with the new reason, when it still fails after it was sent again', async () => {
    let reason = 'first';
    await services.state(newId('Order'));
    const [row] = await services.producer.select().from(outbox);
    await lastTryOf(row?.aggregateId ?? '');
    services.run(async () => {
      throw new Error(reason);
    });
    await eventually(async () => expect(await parkedEvents(services.producer)).toMatchObject([{ lastError: 'first' }]));
    reason = 'second';
    await services.listener.update(eventFailures).set({ failures: 19 });
    await redrive(services.producer);
    await eventually(async () =>
      expect(await parkedEvents(services.producer)).toMatchObject([{ lastError: 'second' }]),
    );
    expect(await services.effects()).toEqual([]);
  });

  it('acts once when it is sent again although it had taken effect', async () => {
    services.run();
    await services.state(newId('Order'));
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    await services.producer.update(outbox).set({ state: 'PARKED', lastError: 'its worker seemed dead' });
    expect(await redrive(services.producer)).toHaveLength(1);
    await eventually(async () => expect(await services.states()).toEqual(['DELIVERED']));
    expect(await services.effects()).toHaveLength(1);
  });

  it('is told to whoever measures, with what waits behind it', { timeout: 20_000 }, async () => {
    const orderId = newId('Order');
    await services.state(orderId);
    await services.producer.update(outbox).set({ state: 'PARKED', occurredAt: nowPlus(-3_600), lastError: 'never' });
    await services.state(orderId);
    expect((await backlogs(services.producer)).sort((left, right) => (left.state < right.state ? -1 : 1))).toEqual([
      { subscriber: 'payment', state: 'PARKED', count: 1, oldestSeconds: expect.closeTo(3_600, -2) },
      { subscriber: 'payment', state: 'PENDING', count: 1, oldestSeconds: expect.closeTo(0, -2) },
    ]);
    services.run();
    await eventually(async () => {
      const text = await register.metrics();
      expect(text).toContain('souk_events{producer="order",listener="payment",state="parked"} 1');
      expect(text).toContain('souk_events{producer="order",listener="payment",state="waiting"} 1');
      expect(text).toContain('souk_events{producer="order",listener="catalog",state="parked"} 0');
      expect(text).toMatch(/souk_events_oldest_seconds\{producer="order",listener="payment",state="parked"\} 36\d\d/);
    });
  });
});

describe('a long outbox', () => {
  const numbers = (count: number) =>
    sql`(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count}) SELECT n FROM numbers)`;
  const fill = (count: number, fact: { aggregateId: string; state: string }, times = 1) =>
    services.producer.execute(sql`
      INSERT INTO outbox (event_id, subscriber, type, aggregate_id, payload, trace, state, delivered_at)
      SELECT RANDOM_BYTES(16), 'payment', 'order.canceled', ${fact.aggregateId}, '{}', '{}', ${fact.state}, CURRENT_TIMESTAMP(3)
      FROM ${numbers(count)} AS ones, ${numbers(times)} AS tens`);

  it('gives the next facts at once, although its aggregate has a long past and another waits behind a parked fact', async () => {
    for (let part = 0; part < 6; part++) await fill(500, { aggregateId: 'busy', state: 'DELIVERED' }, 10);
    await fill(1, { aggregateId: 'stuck', state: 'PARKED' });
    await fill(500, { aggregateId: 'stuck', state: 'PENDING' }, 10);
    await fill(100, { aggregateId: 'busy', state: 'PENDING' });
    await fill(1, { aggregateId: 'calm', state: 'PENDING' });
    const started = Date.now();
    expect((await claim(services.producer, 'payment')).map(({ aggregateId }) => aggregateId)).toEqual(['busy', 'calm']);
    expect(await claim(services.producer, 'payment')).toEqual([]);
    expect(Date.now() - started).toBeLessThan(1_000);
  });

  it('hands a listener so much at a time, in order, and does not let it starve another', async () => {
    await services.producer.execute(sql`
      INSERT INTO outbox (event_id, subscriber, type, aggregate_id, payload, trace, state)
      SELECT RANDOM_BYTES(16), 'payment', 'order.canceled', CONCAT('order-', n), '{}', '{}', 'PENDING' FROM ${numbers(800)} AS numbers`);
    await services.state(newId('Order'));
    await services.producer.update(outbox).set({ subscriber: 'catalog' }).where(sql`aggregate_id LIKE 'ordr%'`);
    const claimed: string[] = [];
    for (
      let rows = await claim(services.producer, 'payment');
      rows.length > 0;
      rows = await claim(services.producer, 'payment')
    )
      claimed.push(...rows.map(({ eventId }) => eventId));
    expect(claimed).toHaveLength(500);
    const oldest = await services.producer
      .select({ eventId: outbox.eventId })
      .from(outbox)
      .orderBy(outbox.sequence)
      .limit(501);
    expect(claimed).toEqual(oldest.slice(0, 500).map(({ eventId }) => eventId));
    expect(await claim(services.producer, 'catalog')).toHaveLength(1);

    await markDelivered(services.producer, claimed[7] ?? '', 'payment');
    expect((await claim(services.producer, 'payment')).map(({ eventId }) => eventId)).toEqual([oldest[500]?.eventId]);
  });

  it('forgets what was delivered long ago, oldest first, and nothing else', async () => {
    await fill(3, { aggregateId: 'old', state: 'DELIVERED' });
    await services.producer.update(outbox).set({ deliveredAt: nowPlus(-8 * 86_400) });
    await fill(2, { aggregateId: 'young', state: 'DELIVERED' });
    await fill(1, { aggregateId: 'young', state: 'PENDING' });
    expect(await pruneOutbox(services.producer, 'payment')).toBe(3);
    expect(await services.states()).toEqual(['DELIVERED', 'DELIVERED', 'PENDING']);
  });
});
