import type { Edit } from './edit.ts';

const expiry = 'subgraphs/order/src/expiry.ts';
const idempotency = 'platform/src/idempotency.ts';
const lock = 'subgraphs/payment/src/lock.ts';
const reservation = 'subgraphs/catalog/src/reservation.ts';
const settlement = 'subgraphs/payment/src/settlement.ts';

/**
 * What keeps the promises, each with the edit that takes it away: without it the tests must notice, or they would not notice its loss either.
 * `guards.test.ts` shows for each who notices. Guards that stand in the databases (unique indexes, checks, rights) are taken away there, by SQL.
 *
 * By hand: with `NODE_OPTIONS=--import=<path of tests/faults/agent.ts>` and `GUARDS_OFF=inbox,sorted-locks` in `.env`, `npm start` runs a shop without them,
 * and `npm run invariants` tells what it did wrong. Nothing but the agent reads GUARDS_OFF, and production refuses it.
 */
const guards = {
  /** Stock is taken by one statement that looks and takes. Without: looked at first, then written. */
  'conditional-update': [
    {
      file: reservation,
      find: `const held = await tx
      .update(stockLevels)
      .set({ reserved: sql\`\${stockLevels.reserved} + \${quantity}\` })
      .where(must(and(eq(stockLevels.variantId, variantId), gte(availableNow, quantity))));`,
      replace: `const [level] = await tx.select().from(stockLevels).where(eq(stockLevels.variantId, variantId));
      const isLeft = level !== undefined && level.onHand - level.reserved >= quantity;
      const held = await tx.update(stockLevels).set({ reserved: (level?.reserved ?? 0) + quantity })
        .where(must(and(eq(stockLevels.variantId, variantId), sql\`\${isLeft}\`)));`,
    },
  ],
  /** Variants are locked by id. Without: as the order names them. */
  'sorted-locks': [
    {
      file: reservation,
      find: 'return new Map([...quantities].sort(([a], [b]) => (a < b ? -1 : 1)));',
      replace: 'return quantities;',
    },
  ],

  /** An event that was received before does nothing. Without: its row is written again, and so is its effect. */
  inbox: [
    {
      file: 'platform/src/inbox.ts',
      find: 'await tx.insert(inbox).values({ eventId: event.id, type: event.type });',
      replace:
        'await tx.insert(inbox).values({ eventId: event.id, type: event.type }).onDuplicateKeyUpdate({ set: { type: event.type } });',
    },
  ],
  /** An event waits until the one before it, about the same thing, was delivered. */
  'aggregate-order': [
    {
      file: 'platform/src/outbox.ts',
      find: 'if (!held.has(row.aggregateId)) found.push(row.sequence);',
      replace: 'found.push(row.sequence);',
    },
  ],

  /** An order changes from the status and version that were read. Without: from whatever it has become. */
  'compare-and-set': [
    {
      file: 'subgraphs/order/src/order.ts',
      find: 'and(eq(orders.id, order.id), eq(notSearched(orders.status), order.status), eq(orders.version, order.version))',
      replace: 'eq(orders.id, order.id)',
    },
  ],
  /** What is not in the table of transitions does not happen. */
  transitions: [
    {
      file: 'subgraphs/order/src/order-status.ts',
      find: 'return transitions[from][to]?.includes(actor) ?? false;',
      replace: 'return true;',
    },
  ],
  /** The sweep looks at the clock of the database. Without: whoever waits for a payment expires. */
  'expiry-clock': [
    {
      file: expiry,
      find: 'lte(orders.paymentDueAt, now), which)',
      replace: 'which)',
    },
  ],
  /** The sweep locks what it has found overdue, and leaves what others have locked. */
  'expiry-lock': [{ file: expiry, find: ".for('update', { skipLocked: true });", replace: ';' }],

  /** Who took over an attempt to place an order raised its fence. Without: its former holder goes on as if nothing were. */
  'checkout-fence': [
    {
      file: 'subgraphs/order/src/checkout.ts',
      find: 'eq(checkouts.fence, fence), inArray(notSearched(checkouts.state), states)',
      replace: '',
    },
  ],
  /** The row of an idempotency key is inserted before the work. Without: nobody minds that it is there already. */
  'key-first': [
    {
      file: idempotency,
      find: '.values({ owner, operation, key, fingerprint, leasedUntil: nowPlus(LEASE_SECONDS) });',
      replace:
        '.values({ owner, operation, key, fingerprint, leasedUntil: nowPlus(LEASE_SECONDS) }).onDuplicateKeyUpdate({ set: { fence: 1 } });',
    },
  ],
  /** Who took over an idempotency key raised its fence. */
  'key-fence': [
    {
      file: idempotency,
      find: 'const stillMine = must(and(mine, eq(idempotencyKeys.fence, fence)));',
      replace: 'const stillMine = mine;',
    },
  ],

  /** Money that comes for an order that has ended goes back in the same transaction. */
  'late-capture-refund': [
    { file: settlement, find: 'await grantRefund(tx, captured, amountMinor, reason);', replace: '' },
  ],
  /** A payment changes from the status that was read. */
  'payment-compare-and-set': [
    { file: settlement, find: 'and(eq(payments.id, id), eq(payments.status, status))', replace: 'eq(payments.id, id)' },
  ],
  /** A payment is settled with the state of its order locked. Without: it is only looked at. */
  'order-lock': [
    {
      file: lock,
      find: 'const order = await lockOrder(tx, found.orderId);',
      replace:
        "const [order = { orderId: found.orderId, state: 'OPEN' }] = await tx.select().from(orderStates).where(eq(orderStates.orderId, found.orderId));",
    },
  ],
  /** And with itself locked. */
  'payment-lock': [{ file: lock, find: ".for('update');\n  return row ? {", replace: ';\n  return row ? {' }],
  /** No more goes back than was taken and not promised back already. */
  'refund-limit': [
    {
      file: 'subgraphs/payment/src/refund.ts',
      find: `and(eq(payments.id, paymentId), sql\`\${left} >= \${amountMinor}\`)`,
      replace: 'eq(payments.id, paymentId)',
    },
  ],
  /** An order has one payment that may pay it. Without: nobody looks for another before it begins. */
  'one-live-payment': [
    {
      file: 'subgraphs/payment/src/payment.ts',
      find: 'const live = earlier.find((payment) => payment.liveOrderId !== null);',
      replace: 'const live = undefined;',
    },
  ],
  /** A report of the provider that was kept is known. Without: nobody looks for it before it is kept. */
  'known-report': [
    {
      file: 'subgraphs/payment/src/provider-event.ts',
      find: 'if (known.length > 0) return false;',
      replace: '',
    },
  ],
} satisfies Record<string, readonly Edit[]>;

export type GuardName = keyof typeof guards;
export const guardNames = Object.keys(guards) as GuardName[];

/** @throws when there is no such guard: a test that asks for it would believe that its loss does no harm */
export function guardEdits(name: GuardName): readonly Edit[] {
  const edits = guards[name];
  if (edits) return edits;
  throw new Error(`Expected GUARDS_OFF to name guards among ${guardNames.join(', ')}; got ${name}.`);
}
