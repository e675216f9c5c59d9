import { describe, expect, it } from 'vitest';
import { faultsIn, type Placing, type Rows, type Try, type Wish } from './history.ts';

/** Histories that must be caught: what is not noticed here would not be noticed after an hour of breaking things either. */

const lines = [{ variantId: 'vari_1', quantity: 2 }];
const order = { id: 'ordr_1', number: 'SK-1', status: 'CONFIRMED', totalMinor: 2180n };
const shown = { ...order, status: 'AWAITING_PAYMENT' };
const payment = { id: 'paym_1', status: 'CAPTURED', amountMinor: 2180n };
const refund = { id: 'rfnd_1', status: 'SUCCEEDED' };

const when = { startedAtMs: 0, endedAtMs: 1 };
const told = <Told>(what: Told): Try<Told> => ({ ...when, outcome: 'told', told: what });
const refused: Try<never> = { ...when, outcome: 'refused', codes: ['INVALID'] };
const unknown: Try<never> = { ...when, outcome: 'unknown', why: 'SUBGRAPH_TIMEOUT' };

const placing = (...tries: Placing['tries']) => wish({ verb: 'place', facts: { lines }, tries });
const paying = (...tries: Extract<Wish, { verb: 'pay' }>['tries']) =>
  wish({ verb: 'pay', facts: { orderId: order.id, cardLast4: '4242' }, tries });
const canceling = (...tries: Extract<Wish, { verb: 'cancel' }>['tries']) =>
  wish({ verb: 'cancel', facts: { orderId: order.id }, tries });
const callingOff = (...tries: Extract<Wish, { verb: 'call off' }>['tries']) =>
  wish({ verb: 'call off', facts: { paymentId: payment.id }, tries });
const refunding = (...tries: Extract<Wish, { verb: 'refund' }>['tries']) =>
  wish({ verb: 'refund', facts: { paymentId: payment.id, amountMinor: 100n }, tries });
const adjusting = (...tries: Extract<Wish, { verb: 'adjust' }>['tries']) =>
  wish({ verb: 'adjust', facts: { variantId: 'vari_1', delta: 3 }, tries });

function wish(facts: Omit<Wish, 'by' | 'key'>): Wish {
  return { by: 'user_1', key: `key of ${facts.verb}`, ...facts } as Wish;
}

/** Everything that all of these wishes ask for, done once. */
const rows: Rows = {
  orders: [{ ...order, userId: 'user_1', lines }],
  placed: [{ userId: 'user_1', key: 'key of place', orderId: order.id }],
  payments: [{ ...payment, orderId: order.id, userId: 'user_1', capturedMinor: 2180n, refundedMinor: 100n }],
  begun: [{ userId: 'user_1', key: 'key of pay', paymentId: payment.id }],
  refunds: [{ ...refund, paymentId: payment.id, amountMinor: 100n, reason: 'key of refund' }],
  adjustments: [{ variantId: 'vari_1', quantity: 3, reason: 'key of adjust' }],
  charges: [
    {
      paymentId: payment.id,
      chargeId: 'tc_1',
      status: 'SUCCEEDED',
      amountMinor: '2180',
      currencyCode: 'EUR',
      refundedMinor: '100',
      createdAt: '',
    },
  ],
};
const nothing: Rows = { orders: [], placed: [], payments: [], begun: [], refunds: [], adjustments: [], charges: [] };
const all = [
  placing(unknown, told(shown)),
  paying(told({ ...payment, status: 'PROCESSING' }), told(payment)),
  refunding(told(refund)),
  adjusting(unknown, unknown, told({ variantId: 'vari_1' })),
];

describe('a history', () => {
  it('that tells what is on record is fine', () => {
    expect(faultsIn({ wishes: all }, rows)).toEqual([]);
  });

  it('in which nobody knows anything is fine, whether it was done or not', () => {
    const wishes = [placing(unknown), paying(unknown), refunding(unknown), adjusting(unknown)];
    expect(faultsIn({ wishes }, rows)).toEqual([]);
    expect(faultsIn({ wishes }, nothing)).toEqual([]);
  });

  it('in which everything was refused is fine when nothing is on record', () => {
    const wishes = [placing(refused), paying(unknown, refused), refunding(refused), adjusting(refused)];
    expect(faultsIn({ wishes }, nothing)).toEqual([]);
  });

  it('in which an order was canceled, and the next request learned it, is fine', () => {
    const canceled = { ...order, status: 'CANCELED' };
    const gone: Rows = {
      ...nothing,
      orders: [{ ...canceled, userId: 'user_1', lines }],
      placed: rows.placed,
    };
    expect(faultsIn({ wishes: [placing(told(shown)), canceling(unknown, told(canceled))] }, gone)).toEqual([]);
  });
});

/** What must be noticed: what clients heard, what is on record, and what is said about it. */
const caught: Record<string, { wishes: Wish[]; rows: Partial<Rows>; says: RegExp }> = {
  'an order that was told and is lost': { wishes: [placing(told(shown))], rows: nothing, says: /does not exist/ },
  'an order at another total than was told': {
    wishes: [placing(told({ ...shown, totalMinor: 1n })), ...all.slice(1)],
    rows: {},
    says: /told totalMinor 1 /,
  },
  'an order under another number than was told': {
    wishes: [placing(told({ ...shown, number: 'SK-2' })), ...all.slice(1)],
    rows: {},
    says: /told number SK-2/,
  },
  'an order of other lines than were wanted': {
    wishes: all,
    rows: { orders: [{ ...order, userId: 'user_1', lines: [{ variantId: 'vari_1', quantity: 3 }] }] },
    says: /told lines 2 × vari_1/,
  },
  'an order that belongs to somebody else': {
    wishes: all,
    rows: { orders: [{ ...order, userId: 'user_2', lines }] },
    says: /told userId user_1/,
  },
  'a retry that got another order': {
    wishes: [placing(told(shown), told({ ...shown, id: 'ordr_2' })), ...all.slice(1)],
    rows: {},
    says: /answered differently/,
  },
  'a retry that was refused after it was done': {
    wishes: [placing(told(shown), refused), ...all.slice(1)],
    rows: {},
    says: /answered differently/,
  },
  'two orders under one key': {
    wishes: [placing(unknown)],
    rows: {
      ...nothing,
      orders: [
        { ...order, userId: 'user_1', lines },
        { ...order, id: 'ordr_2', userId: 'user_1', lines },
      ],
      placed: [...rows.placed, { userId: 'user_1', key: 'key of place', orderId: 'ordr_2' }],
    },
    says: /made 2 orders/,
  },
  'an order that was refused': { wishes: [placing(refused), ...all.slice(1)], rows: {}, says: /refused and made/ },
  'an order that nobody wanted': { wishes: all.slice(1), rows: {}, says: /Nobody ordered ordr_1/ },
  'an order without an attempt to place it': { wishes: all, rows: { placed: [] }, says: /Nobody ordered ordr_1/ },
  'a cancellation that was told and not done': {
    wishes: [...all, canceling(told({ ...order, status: 'CANCELED' }))],
    rows: {},
    says: /told that ordr_1 is CANCELED, and it is CONFIRMED/,
  },
  'an order that was told to be over and is not': {
    wishes: [placing(told({ ...shown, status: 'EXPIRED' })), ...all.slice(1)],
    rows: {},
    says: /told that ordr_1 is EXPIRED/,
  },
  'a payment that was told and is lost': {
    wishes: all,
    rows: { payments: [], begun: [], refunds: [] },
    says: /told paym_1, which does not exist/,
  },
  'money that was told to be taken and is not': {
    wishes: all,
    rows: { payments: [{ ...payment, orderId: order.id, userId: 'user_1', capturedMinor: 0n, refundedMinor: 0n }] },
    says: /is CAPTURED, and it captured 0/,
  },
  'money that was told to be taken and of which the provider does not know': {
    wishes: all,
    rows: { charges: [] },
    says: /of which the provider does not know/,
  },
  'money that was taken in another amount by the provider': {
    wishes: all,
    rows: { charges: rows.charges.map((charge) => ({ ...charge, amountMinor: '1' })) },
    says: /of which the provider does not know/,
  },
  'money that is kept though the payment was told to have failed': {
    wishes: [...all.slice(0, 1), paying(told({ ...payment, status: 'FAILED' })), ...all.slice(2)],
    rows: {},
    says: /is FAILED, and its money is kept/,
  },
  'money that is kept though the payment was called off': {
    wishes: [...all, callingOff(told({ ...payment, status: 'CANCELED' }))],
    rows: {},
    says: /is CANCELED, and its money is kept/,
  },
  'a payment of another order': {
    wishes: all,
    rows: {
      payments: [{ ...payment, orderId: 'ordr_2', userId: 'user_1', capturedMinor: 2180n, refundedMinor: 100n }],
    },
    says: /wanted to pay ordr_1/,
  },
  'a payment that was refused': {
    wishes: [...all.slice(0, 1), paying(refused), ...all.slice(2)],
    rows: {},
    says: /refused and began/,
  },
  'a payment that nobody wanted': {
    wishes: all,
    rows: {
      payments: [...rows.payments, { ...rows.payments[0], id: 'paym_2' } as Rows['payments'][number]],
      begun: [...rows.begun, { userId: 'user_1', key: 'another key', paymentId: 'paym_2' }],
    },
    says: /Nobody began paym_2/,
  },
  'a payment under no key': { wishes: all, rows: { begun: [] }, says: /Nobody began paym_1/ },
  'a refund granted twice': {
    wishes: all,
    rows: { refunds: [...rows.refunds, { ...rows.refunds[0], id: 'rfnd_2' } as Rows['refunds'][number]] },
    says: /was done 2 times/,
  },
  'a refund that was told and is lost': { wishes: all, rows: { refunds: [] }, says: /told to be done, and is not/ },
  'a refund of another amount': {
    wishes: all,
    rows: { refunds: rows.refunds.map((row) => ({ ...row, amountMinor: 99n })) },
    says: /gave back 99/,
  },
  'a refund that was never sent': {
    wishes: all,
    rows: { refunds: rows.refunds.map((row) => ({ ...row, status: 'PENDING' })) },
    says: /ended as PENDING/,
  },
  'a refund that nobody granted': {
    wishes: [...all.slice(0, 2), ...all.slice(3)],
    rows: {},
    says: /Nobody granted rfnd_1/,
  },
  'stock that was corrected twice': {
    wishes: all,
    rows: { adjustments: [...rows.adjustments, ...rows.adjustments] },
    says: /was done 2 times/,
  },
  'stock that was corrected by another number': {
    wishes: all,
    rows: { adjustments: rows.adjustments.map((row) => ({ ...row, quantity: 4 })) },
    says: /changed vari_1 by 4/,
  },
  'stock that was corrected although it was refused': {
    wishes: [...all.slice(0, 3), adjusting(refused)],
    rows: {},
    says: /was refused and done/,
  },
  'stock that nobody corrected': { wishes: all.slice(0, 3), rows: {}, says: /Nobody changed vari_1/ },
};

describe('notices', () => {
  it.each(Object.entries(caught))('%s', (_, { wishes, rows: found, says }) => {
    expect(faultsIn({ wishes }, { ...rows, ...found })).toContainEqual(expect.stringMatching(says));
  });
});
