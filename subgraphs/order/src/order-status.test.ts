import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allowedActions,
  isCalledOff,
  mayEditAddress,
  mayMove,
  type OrderActor,
  type OrderStatus,
  orderStatuses,
  transitions,
} from './order-status.ts';

const actors: OrderActor[] = ['CUSTOMER', 'STAFF', 'SYSTEM', 'PAYMENT_PROVIDER'];
const soon = new Date(Date.now() + 60_000);

describe('the table of transitions', () => {
  it('keeps every sequence of moves within its statuses, and ends at a terminal one for good', () => {
    const move = fc.record({ to: fc.constantFrom(...orderStatuses), actor: fc.constantFrom(...actors) });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
        let status: OrderStatus = 'AWAITING_PAYMENT';
        let isPaid = false;
        for (const { to, actor } of moves) {
          if (!mayMove(status, to, actor)) continue;
          expect(['DELIVERED', 'CANCELED', 'EXPIRED']).not.toContain(status);
          if (to === 'CONFIRMED') isPaid = actor === 'PAYMENT_PROVIDER';
          if (['PROCESSING', 'SHIPPED', 'DELIVERED'].includes(to)) expect(isPaid).toBe(true);
          status = to;
        }
        expect(orderStatuses).toContain(status);
      }),
      { numRuns: 2_000 },
    );
  });

  it('lets only a payment confirm an order, and only the clock let it expire', () => {
    for (const from of orderStatuses) {
      expect(transitions[from].CONFIRMED ?? []).toEqual(from === 'AWAITING_PAYMENT' ? ['PAYMENT_PROVIDER'] : []);
      expect(transitions[from].EXPIRED ?? []).toEqual(from === 'AWAITING_PAYMENT' ? ['SYSTEM'] : []);
    }
  });

  it('never moves an order to the status it has', () => {
    for (const status of orderStatuses) for (const actor of actors) expect(mayMove(status, status, actor)).toBe(false);
  });

  it('lets nobody change the address of an order that is on its way or over', () => {
    for (const status of ['SHIPPED', 'DELIVERED', 'CANCELED', 'EXPIRED'] as const) {
      for (const actor of actors) expect(mayEditAddress(status, actor)).toBe(false);
    }
  });
});

describe('allowedActions', () => {
  const offered = (status: OrderStatus, actor: OrderActor | null, paymentDueAt: Date | null = null) =>
    allowedActions({ status, paymentDueAt }, actor);

  it('follows the table for the customer', () => {
    expect(offered('AWAITING_PAYMENT', 'CUSTOMER', soon)).toEqual(['PAY', 'CANCEL', 'EDIT_ADDRESS']);
    expect(offered('CONFIRMED', 'CUSTOMER')).toEqual(['CANCEL', 'EDIT_ADDRESS']);
    expect(offered('PROCESSING', 'CUSTOMER')).toEqual(['REQUEST_REFUND']);
    expect(offered('SHIPPED', 'CUSTOMER')).toEqual(['CONFIRM_RECEIPT', 'REQUEST_REFUND']);
    expect(offered('DELIVERED', 'CUSTOMER')).toEqual(['REQUEST_REFUND']);
  });

  it('follows the table for staff, who neither pay nor receive', () => {
    expect(offered('AWAITING_PAYMENT', 'STAFF', soon)).toEqual(['CANCEL', 'EDIT_ADDRESS']);
    expect(offered('PROCESSING', 'STAFF')).toEqual(['CANCEL', 'EDIT_ADDRESS']);
    expect(offered('SHIPPED', 'STAFF')).toEqual([]);
  });

  it('offers no payment once the time for it is over', () => {
    expect(offered('AWAITING_PAYMENT', 'CUSTOMER', new Date(Date.now() - 1))).toEqual(['CANCEL', 'EDIT_ADDRESS']);
  });

  it('offers nothing on an order that was called off, nor to whoever only looks', () => {
    for (const status of orderStatuses.filter(isCalledOff)) expect(offered(status, 'CUSTOMER', soon)).toEqual([]);
    for (const status of orderStatuses) expect(offered(status, null, soon)).toEqual([]);
  });
});
