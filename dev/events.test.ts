import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type OpenDatabase, openDatabase, transaction } from '@souk/platform/database';
import { newId } from '@souk/platform/id';
import { append, outbox } from '@souk/platform/outbox';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runEventCommand } from './event-command.ts';
import { Problem } from './problem.ts';
import type { ShopEnvironment } from './shop-databases.ts';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

const names = ['user', 'catalog', 'order', 'payment'] as const;
let stores: TestDatabase[];
let orders: OpenDatabase;
let environment: Record<string, string>;

beforeAll(async () => {
  stores = await Promise.all(names.map(createTestDatabase));
  const urls = names.map((name, index) => [`${name.toUpperCase()}_DATABASE_URL`, stores[index]?.url ?? '']);
  environment = { ...Object.fromEntries(urls), CART_DATABASE_URL: stores[0]?.url ?? '' };
  orders = openDatabase({ url: environment['ORDER_DATABASE_URL'] ?? '' });
});

afterAll(async () => {
  await orders.close();
  await Promise.all(stores.map((store) => store.drop()));
});

/** One canceled order of an hour ago whose stock is back, and whose money could not be sent back. */
let eventId: string;
beforeEach(async () => {
  await orders.db.delete(outbox);
  const orderId = newId('Order');
  const payload = { orderId, userId: newId('User'), status: 'CANCELED' } as const;
  await transaction(orders.db, (tx) => append(tx, { type: 'order.canceled', aggregateId: orderId, payload }));
  await orders.db.update(outbox).set({ occurredAt: sql`CURRENT_TIMESTAMP(3) - INTERVAL 61 MINUTE` });
  await orders.db
    .update(outbox)
    .set({ state: 'PARKED', lastError: 'no such charge' })
    .where(eq(outbox.subscriber, 'payment'));
  eventId = (await orders.db.select().from(outbox))[0]?.eventId ?? '';
});

const states = async () =>
  Object.fromEntries((await orders.db.select().from(outbox)).map(({ subscriber, state }) => [subscriber, state]));

const events = (...args: string[]) =>
  runEventCommand(args, { ...environment, SOUK_FOLDER: '/nowhere' } as ShopEnvironment);

describe('npm run events', () => {
  it('tells what has not reached its listeners, with ages and reasons', async () => {
    const { exitCode, text: said } = await events();
    expect(said).toMatch(/^order +catalog +1 \(1 h\) +– +–$/m);
    expect(said).toMatch(/^order +payment +– +– +1 \(1 h\)$/m);
    expect(said).toMatch(/^payment +order +– +– +–$/m);
    expect(said).toMatch(
      new RegExp(`^${eventId}  order.canceled  order → payment  ordr_\\w+  1 h ago\n    no such charge$`, 'm'),
    );
    expect(exitCode).toBe(1);
  });

  it('says the same for programs', async () => {
    const { routes, parked } = JSON.parse((await events('--json')).text);
    expect(routes).toContainEqual({
      producer: 'order',
      listener: 'payment',
      waiting: { count: 0, oldestSeconds: null },
      underWay: { count: 0, oldestSeconds: null },
      parked: { count: 1, oldestSeconds: expect.closeTo(3_660, -2) },
    });
    expect(parked).toMatchObject([{ eventId, producer: 'order', listener: 'payment', reason: 'no such charge' }]);
  });

  it('sends a parked event again', async () => {
    const { exitCode, text: said } = await events('redrive', eventId, '--to', 'payment');
    expect({ exitCode, said }).toEqual({ exitCode: 0, said: expect.stringContaining('Sent again: 1.') });
    expect(await states()).toEqual({ catalog: 'PENDING', payment: 'PENDING' });
    expect((await events()).exitCode).toBe(0);
  });

  it('sends all of them again', async () => {
    await orders.db.update(outbox).set({ state: 'PARKED' });
    expect(JSON.parse((await events('redrive', '--all', '--json')).text).sent).toHaveLength(2);
    expect(await states()).toEqual({ catalog: 'PENDING', payment: 'PENDING' });
  });

  it.each([
    ['an event that is not parked', () => ['redrive', newId('Event')]],
    ['one parked for another listener', () => ['redrive', eventId, '--to', 'catalog']],
  ])('changes nothing and fails when asked for %s', async (_, args) => {
    expect((await events(...args())).exitCode).toBe(1);
    expect(await states()).toEqual({ catalog: 'PENDING', payment: 'PARKED' });
  });

  it.each([
    ['the id of something else', () => ['redrive', newId('Order')]],
    ['a listener that is none', () => ['redrive', eventId, '--to', 'nobody']],
    ['all and one', () => ['redrive', eventId, '--all']],
    ['neither all nor one', () => ['redrive']],
    ['another command', () => ['drop', eventId]],
    ['an unknown option', () => ['--force']],
  ])('changes nothing and says what it expects when given %s', async (_, args) => {
    await expect(events(...args())).rejects.toThrow(Problem);
    expect(await states()).toEqual({ catalog: 'PENDING', payment: 'PARKED' });
  });

  it('says what is missing when there is no shop to look at', async () => {
    const { ORDER_DATABASE_URL: _, ...others } = environment;
    const environments = [
      [{ SOUK_FOLDER: '/nowhere' }, 'No shop runs in /nowhere'],
      [{ ...others, SOUK_FOLDER: '/nowhere' }, 'set ORDER_DATABASE_URL too'],
    ] as const;
    for (const [env, message] of environments) await expect(runEventCommand([], env)).rejects.toThrow(message);
  });

  it('is a program that ends with 2 when it could not find out', async () => {
    const program = fileURLToPath(new URL('events.ts', import.meta.url));
    const child = spawn(process.execPath, [program, 'nonsense'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [[code], said] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
    expect({ code, said }).toEqual({ code: 2, said: expect.stringContaining('npm run events -- ') });
  });
});
