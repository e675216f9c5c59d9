import { idToBytes } from '@souk/platform/id';
import type { HeldPoint } from '../control.ts';
import type { Rig } from '../rig.ts';
import type { Rows } from './rows.ts';

/** The sweep of overdue orders on a leash: it stands still, and makes a pass when it is told to. */
export interface Sweeper {
  /** Puts the end of an order's time into the past, as if the clock had moved on. */
  makeDue(orderId: string): Promise<void>;
  /** Resolves when every order that was overdue and not locked by others has expired. */
  pass(): Promise<void>;
  /** Lets it run as ever. */
  letGo(): void;
}

/** Orders of the rig have to have a window below a minute: then there is a sweep every second. */
export async function holdSweeper(rig: Rig, rows: Rows): Promise<Sweeper> {
  const holdNext = () => rig.hold('order.expire.begin', { about: 'all' });
  let held: HeldPoint = await holdNext();
  return {
    async makeDue(orderId) {
      // Until then it may still be at work on the pass before, and see the order.
      await held.reached;
      const past = 'CURRENT_TIMESTAMP(3) - INTERVAL 1 SECOND';
      await rows.ask(`UPDATE souk_order.orders SET payment_due_at = ${past} WHERE id = ?`, [
        idToBytes('Order', orderId),
      ]);
    },
    async pass() {
      await held.reached;
      const next = await holdNext();
      held.release();
      held = next;
      await next.reached;
    },
    letGo: () => held.release(),
  };
}
