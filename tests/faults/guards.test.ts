import { kill } from 'node:process';
import type { ProcessName } from '@souk/dev/services';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { anEventIsDeliveredTwice, theSweepMeetsAPayment, twoThingsHappenToAnOrder } from './attacks/events.ts';
import {
  aCaptureIsToldTwice,
  anOrderIsPaidTwice,
  aRefundIsTakenOver,
  aReportIsRepeated,
  moneyComesTooLate,
  rightsAreLookedAt,
  tooMuchIsRefunded,
} from './attacks/money.ts';
import {
  aCartIsOrderedTwice,
  aCheckoutIsTakenOver,
  anOrderIsSentTwice,
  theSweepComesBy,
  twoCancel,
} from './attacks/orders.ts';
import { twoWantTheLastPiece, twoWantTheSameTwo } from './attacks/stock.ts';
import { type GuardName, guardNames } from './guards.ts';
import { openScene, type Scene } from './races/scene.ts';

/**
 * Whether the tests have teeth. Each guard is attacked, and the attack comes to nothing; then the guard is taken away, and the same attack shows: in what
 * somebody is told, or in invariants that are broken. `broken` names those that see what was attacked, of all that are checked. Where one
 * guard stands behind another, the attack also shows what is left when the first is gone: mostly an error that nobody deserves, and nothing worse.
 */
interface Tooth {
  /** The process that has the guards. */
  process: ProcessName;
  attack: (scene: Scene) => Promise<object>;
  /** What comes of it with all guards in place. */
  withstood: object;
  losses: {
    off: readonly GuardName[];
    /** What is taken away in the databases. It stays away: nothing else in this file relies on it. */
    sql?: string;
    shows: object;
  }[];
}

const teeth: Record<string, Tooth> = {
  'the last piece is sold once': {
    process: 'catalog',
    attack: twoWantTheLastPiece,
    withstood: { told: ['done', 'INSUFFICIENT_STOCK'], broken: [] },
    losses: [{ off: ['conditional-update'], shows: { told: ['done', 'done'], broken: ['S3'] } }],
  },
  'nobody waits in a circle': {
    process: 'catalog',
    attack: twoWantTheSameTwo,
    withstood: { told: ['done', 'done'], deadlocks: 0 },
    losses: [{ off: ['sorted-locks'], shows: { told: ['done', 'done'], deadlocks: 1 } }],
  },

  'an event takes effect once': {
    process: 'cart',
    attack: anEventIsDeliveredTwice,
    withstood: { linesInCart: 1 },
    losses: [{ off: ['inbox'], shows: { linesInCart: 0 } }],
  },
  'events of one order come one after another': {
    process: 'order',
    attack: twoThingsHappenToAnOrder,
    withstood: { broken: [] },
    losses: [{ off: ['aggregate-order'], shows: { broken: ['E4'] } }],
  },

  'an order changes from what it was': {
    process: 'order',
    attack: twoCancel,
    withstood: { told: ['done', 'NOT_CANCELABLE'], broken: [] },
    losses: [
      { off: ['compare-and-set'], shows: { told: ['done', 'INTERNAL_SERVER_ERROR'], broken: [] } },
      {
        off: ['compare-and-set'],
        sql: 'ALTER TABLE souk_order.order_events DROP INDEX order_events_by_order',
        shows: { told: ['done', 'done'], broken: ['O1'] },
      },
    ],
  },
  'an order expires when its time is over': {
    process: 'order',
    attack: theSweepComesBy,
    withstood: { overdue: 'EXPIRED', inTime: 'AWAITING_PAYMENT' },
    losses: [{ off: ['expiry-clock'], shows: { overdue: 'EXPIRED', inTime: 'EXPIRED' } }],
  },
  'an order expires only as long as it waits': {
    process: 'order',
    attack: theSweepMeetsAPayment,
    withstood: { status: 'EXPIRED', deadlocks: 0, broken: [] },
    losses: [
      { off: ['expiry-lock'], shows: { status: 'CONFIRMED', deadlocks: 0, broken: [] } },
      { off: ['expiry-lock', 'transitions'], shows: { status: 'EXPIRED', deadlocks: 0, broken: ['O1'] } },
    ],
  },
  'who lost his lease does not place an order': {
    process: 'order',
    attack: aCheckoutIsTakenOver,
    withstood: { told: 'SUBGRAPH_TIMEOUT', broken: [] },
    losses: [{ off: ['checkout-fence'], shows: { told: 'done', broken: ['S13'] } }],
  },
  'a key makes one order': {
    process: 'order',
    attack: anOrderIsSentTwice,
    withstood: { orders: 1, broken: [] },
    losses: [{ off: ['key-first'], shows: { orders: 2, broken: ['O3'] } }],
  },
  'a cart makes one order': {
    process: 'order',
    attack: aCartIsOrderedTwice,
    withstood: { told: ['done', 'CART_ALREADY_ORDERED'], broken: [] },
    losses: [
      {
        off: [],
        sql: 'ALTER TABLE souk_order.orders DROP INDEX orders_live_by_cart',
        shows: { told: ['done', 'done'], broken: ['O3'] },
      },
    ],
  },

  'money that comes too late goes back': {
    process: 'payment',
    attack: moneyComesTooLate,
    withstood: { outcome: 'CAPTURED_AND_RETURNED', broken: [] },
    losses: [
      { off: ['late-capture-refund'], shows: { outcome: 'CAPTURED_AND_RETURNED', broken: ['M8'] } },
      { off: ['order-lock'], shows: { outcome: 'CAPTURED', broken: ['M8'] } },
    ],
  },
  'a capture is booked once': {
    process: 'payment',
    attack: aCaptureIsToldTwice,
    withstood: { report: 'CAPTURED', payer: 'done' },
    losses: [
      { off: ['payment-compare-and-set'], shows: { report: 'CAPTURED', payer: 'done' } },
      { off: ['order-lock', 'payment-lock'], shows: { report: 'CAPTURED', payer: 'done' } },
      {
        off: ['payment-compare-and-set', 'order-lock', 'payment-lock'],
        shows: { report: 'CAPTURED', payer: 'INTERNAL_SERVER_ERROR' },
      },
    ],
  },
  'a report is kept once': {
    process: 'payment',
    attack: aReportIsRepeated,
    withstood: { broken: [] },
    losses: [
      { off: ['known-report'], shows: { broken: [] } },
      {
        off: ['known-report'],
        sql: 'ALTER TABLE souk_payment.provider_events DROP PRIMARY KEY',
        shows: { broken: ['M11'] },
      },
    ],
  },
  'an order is paid once': {
    process: 'payment',
    attack: anOrderIsPaidTwice,
    withstood: { told: ['done', 'ALREADY_PAID'], broken: [] },
    losses: [
      { off: ['one-live-payment'], shows: { told: ['done', 'INTERNAL_SERVER_ERROR'], broken: [] } },
      {
        off: ['one-live-payment'],
        sql: 'ALTER TABLE souk_payment.payments DROP INDEX payments_live_order',
        shows: { told: ['done', 'done'], broken: ['M7'] },
      },
    ],
  },
  'no more goes back than came': {
    process: 'payment',
    attack: tooMuchIsRefunded,
    withstood: { told: 'REFUND_EXCEEDS_CAPTURED' },
    losses: [
      { off: ['refund-limit'], shows: { told: 'INTERNAL_SERVER_ERROR' } },
      {
        off: ['refund-limit'],
        sql: 'ALTER TABLE souk_payment.payments DROP CONSTRAINT payments_refunded',
        shows: { told: 'done' },
      },
    ],
  },
  'a key makes one refund': {
    process: 'payment',
    attack: aRefundIsTakenOver,
    withstood: { told: ['SUBGRAPH_TIMEOUT', 'done'], refunds: 1 },
    losses: [{ off: ['key-fence'], shows: { told: ['done', 'done'], refunds: 2 } }],
  },
  'the ledger is only added to': {
    process: 'payment',
    attack: rightsAreLookedAt,
    withstood: { broken: [] },
    losses: [
      {
        off: [],
        sql: "GRANT UPDATE ON souk_payment.ledger_entries TO 'souk_payment'@'%'",
        shows: { broken: ['M3'] },
      },
    ],
  },
};

/** Something of each subgraph. */
const Everybody = graphql(`
  query Everybody { viewer { id cart { id } } categories { id } orders(first: 1) { nodes { id } } reconciliations(first: 1) { id } }
`);

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
beforeEach(() => scene.signInAgain());
afterAll(() => scene?.close());

describe('an attack shows as soon as its guard is gone:', () => {
  it.each(Object.entries(teeth))('%s', async (_, { process, attack, withstood, losses }) => {
    expect(await attack(scene)).toEqual(withstood);
    let off = '';
    const without = async (guards: readonly GuardName[]) => {
      const wanted = guards.join(',');
      if (wanted === off) return;
      const restarted = scene.rig.restart(process, { GUARDS_OFF: wanted });
      // It need not take its leave.
      kill(scene.rig.shop.services[process].pid, 'SIGKILL');
      await restarted;
      // The door may have noticed that it was away, and gives it a rest.
      await vi.waitFor(() => ask(scene.rig.admin, Everybody), { timeout: 30_000, interval: 100 });
      off = wanted;
    };
    try {
      for (const loss of losses) {
        await without(loss.off);
        if (loss.sql) await scene.rows.ask(loss.sql);
        expect(await attack(scene), [...loss.off, loss.sql ?? ''].join(' ')).toEqual(loss.shows);
      }
    } finally {
      await without([]);
    }
  });

  it('every guard has its turn', () => {
    const tried = Object.values(teeth).flatMap(({ losses }) => losses.flatMap(({ off }) => off));
    expect([...new Set(tried)].toSorted()).toEqual(guardNames.toSorted());
  });
});
