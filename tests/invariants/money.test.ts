import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@souk/platform/id';
import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { openCharges } from '../../subgraphs/payment/test-provider/charges.ts';
import { openLog } from '../../subgraphs/payment/test-provider/log.ts';
import { serveCharges } from '../../subgraphs/payment/test-provider/server.ts';
import { openProviderLog } from './provider-log.ts';
import { brokenOf, type Corruption, expectBroken, type TestShop, useTestShop } from './test-shop.ts';

const shop = useTestShop();

const corruptions: Corruption[] = [
  {
    breaks: 'M1',
    by: 'one side of a booking is another amount',
    change: ({ change, orders }) =>
      change(
        'payment',
        `UPDATE ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id SET e.amount_minor = e.amount_minor - 1
         WHERE t.payment_id = ? AND e.account = 'customer_orders'`,
        orders.delivered.paymentId,
      ),
  },
  {
    breaks: 'M1',
    by: 'one side of a booking is in another currency',
    change: ({ change, orders }) =>
      change(
        'payment',
        `UPDATE ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id SET e.currency_code = 'USD'
         WHERE t.payment_id = ? AND e.account = 'customer_orders'`,
        orders.delivered.paymentId,
      ),
  },
  {
    breaks: 'M3',
    by: 'the account of the service may change entries',
    change: ({ change, nameOf }) =>
      change('payment', `GRANT UPDATE ON ${nameOf('payment')}.ledger_entries TO '${nameOf('payment')}'@'%'`),
    restore: ({ change, nameOf }) =>
      change('payment', `REVOKE UPDATE ON ${nameOf('payment')}.ledger_entries FROM '${nameOf('payment')}'@'%'`),
  },
  {
    breaks: 'M3',
    by: 'the account of the service may remove anything in its database',
    change: ({ change, nameOf }) =>
      change('payment', `GRANT DELETE ON ${nameOf('payment')}.* TO '${nameOf('payment')}'@'%'`),
    restore: ({ change, nameOf }) =>
      change('payment', `REVOKE DELETE ON ${nameOf('payment')}.* FROM '${nameOf('payment')}'@'%'`),
  },
  {
    breaks: 'M3',
    by: 'the account of the service is an administrator',
    change: ({ change, nameOf }) => change('payment', `GRANT UPDATE ON *.* TO '${nameOf('payment')}'@'%'`),
    restore: ({ change, nameOf }) => change('payment', `REVOKE UPDATE ON *.* FROM '${nameOf('payment')}'@'%'`),
  },
  {
    breaks: 'M4',
    by: 'a capture is booked as something else',
    change: ({ change, orders }) =>
      change(
        'payment',
        "UPDATE ledger_transactions SET kind = 'REFUND_FAILED' WHERE payment_id = ? AND kind = 'CAPTURE'",
        orders.delivered.paymentId,
      ),
  },
  {
    breaks: 'M4',
    by: 'a payment says that less was captured than was booked',
    change: ({ change, orders }) =>
      change(
        'payment',
        'UPDATE payments SET captured_minor = captured_minor - 1 WHERE id = ?',
        orders.delivered.paymentId,
      ),
  },
  {
    breaks: 'M5',
    by: 'a refund was sent of more than the payment says',
    change: ({ change, orders }) =>
      change(
        'payment',
        'UPDATE refunds SET amount_minor = amount_minor + 1 WHERE payment_id = ?',
        orders.refunded.paymentId,
      ),
  },
  {
    breaks: 'M5',
    by: 'a refund is lost',
    change: ({ change, orders }) =>
      change('payment', 'DELETE FROM refunds WHERE payment_id = ?', orders.expired.paymentId),
  },
  {
    breaks: 'M6',
    by: 'an order was paid in another currency',
    isSettled: true,
    change: ({ change, orders }) =>
      change('payment', "UPDATE payments SET currency_code = 'USD' WHERE id = ?", orders.delivered.paymentId),
  },
  {
    breaks: 'M6',
    by: 'money is kept that pays for nothing',
    isSettled: true,
    change: ({ change, orders }) =>
      change('payment', 'UPDATE payments SET live_order_id = NULL WHERE id = ?', orders.confirmed.paymentId),
  },
  {
    breaks: 'M7',
    by: 'two payments hold money for one order',
    change: ({ change, orders }) =>
      change(
        'payment',
        'UPDATE payments SET order_id = ? WHERE id = ?',
        orders.delivered.id,
        orders.confirmed.paymentId,
      ),
  },
  {
    breaks: 'M8',
    by: 'payment knows that a paid order was called off, and has promised nothing back',
    change: ({ change, orders }) =>
      change('payment', "UPDATE order_states SET state = 'CANCELED' WHERE order_id = ?", orders.confirmed.id),
  },
  {
    breaks: 'M8',
    by: 'money was promised back five minutes ago and is still here',
    change: (shop) => unsend(shop),
  },
  {
    breaks: 'M8',
    by: 'payment has not heard that a paid order was called off',
    async change({ change, orders }) {
      const { id, paymentId } = orders.refunded;
      await change('payment', "UPDATE order_states SET state = 'OPEN' WHERE order_id = ?", id);
      await change('payment', "UPDATE payments SET refunded_minor = 0, status = 'CAPTURED' WHERE id = ?", paymentId);
      await change('payment', 'DELETE FROM refunds WHERE payment_id = ?', paymentId);
      await change('payment', "DELETE FROM ledger_transactions WHERE payment_id = ? AND kind <> 'CAPTURE'", paymentId);
    },
  },
  {
    breaks: 'M10',
    by: 'an order costs more than its lines',
    change: ({ change, orders }) =>
      change(
        'order',
        'UPDATE orders SET subtotal_minor = subtotal_minor + 1, total_minor = total_minor + 1 WHERE id = ?',
        orders.delivered.id,
      ),
  },
  {
    breaks: 'M10',
    by: 'a price is below zero',
    change: ({ change, variants }) =>
      change('catalog', 'UPDATE product_variants SET price_minor = -1 WHERE id = ?', variants.mug),
  },
  {
    breaks: 'M10',
    by: 'an amount of money may have decimals',
    change: ({ change }) => change('cart', 'ALTER TABLE variant_facts MODIFY price_minor DECIMAL(12, 2) NOT NULL'),
    restore: ({ change }) => change('cart', 'ALTER TABLE variant_facts MODIFY price_minor BIGINT NOT NULL'),
  },
  {
    breaks: 'M11',
    by: 'the database lets a report be kept twice, and it is',
    async change({ change, orders }) {
      await change('payment', 'ALTER TABLE provider_events DROP PRIMARY KEY');
      await change(
        'payment',
        'INSERT INTO provider_events SELECT * FROM provider_events WHERE payment_id = ?',
        orders.delivered.paymentId,
      );
    },
    restore: ({ change }) => change('payment', 'ALTER TABLE provider_events ADD PRIMARY KEY (provider, event_id)'),
  },
  {
    breaks: 'M11',
    by: 'the database lets a source be booked twice, and it is',
    async change({ change, orders }) {
      await change('payment', 'ALTER TABLE ledger_transactions DROP INDEX ledger_transactions_source');
      await change(
        'payment',
        `INSERT INTO ledger_transactions (id, payment_id, kind, source_event)
         SELECT ?, payment_id, kind, source_event FROM ledger_transactions WHERE payment_id = ?`,
        newId('LedgerTransaction'),
        orders.delivered.paymentId,
      );
    },
    restore: ({ change }) =>
      change(
        'payment',
        'ALTER TABLE ledger_transactions ADD UNIQUE ledger_transactions_source (payment_id, kind, source_event)',
      ),
  },
  {
    breaks: 'M12',
    by: 'a report was not acted upon',
    isSettled: true,
    change: ({ change, orders }) =>
      change(
        'payment',
        'UPDATE provider_events SET processed_at = NULL, received_at = CURRENT_TIMESTAMP(3) - INTERVAL 1 MINUTE WHERE payment_id = ?',
        orders.delivered.paymentId,
      ),
  },
  {
    breaks: 'M12',
    by: 'the provider took another amount than was asked for',
    isSettled: true,
    change: ({ change, orders }) =>
      change(
        'payment',
        "UPDATE provider_events SET outcome = 'MISMATCH' WHERE payment_id = ?",
        orders.delivered.paymentId,
      ),
  },
  {
    breaks: 'M12',
    by: 'a refund is promised and not sent',
    isSettled: true,
    // Money promised for minutes to the buyer of an order that was called off is late as well.
    alsoBreaks: ['M8'],
    change: (shop) => unsend(shop),
  },
];

/** Lets a refund be promised five minutes ago, and not sent yet. */
async function unsend({ change, orders }: TestShop): Promise<void> {
  const { paymentId } = orders.refunded;
  await change(
    'payment',
    'UPDATE payments SET refund_pending_minor = refunded_minor, refunded_minor = 0 WHERE id = ?',
    paymentId,
  );
  await change(
    'payment',
    "UPDATE refunds SET status = 'PENDING', created_at = CURRENT_TIMESTAMP(3) - INTERVAL 5 MINUTE WHERE payment_id = ?",
    paymentId,
  );
  await change(
    'payment',
    `DELETE t, e FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id WHERE t.payment_id = ? AND t.kind = 'REFUND_SENT'`,
    paymentId,
  );
}

describe('an invariant of money goes red, and no other, when', () => {
  it.each(corruptions)('$breaks: $by', (corruption) => expectBroken(shop, corruption));
});

describe('the database itself refuses', () => {
  it.each([
    [
      'M4: more captured than the amount',
      'UPDATE payments SET captured_minor = amount_minor + 1 WHERE captured_minor > 0',
    ],
    [
      'M5: more refunded than captured',
      'UPDATE payments SET refund_pending_minor = captured_minor + 1 WHERE captured_minor > 0',
    ],
    [
      'M7: two payments that pay for one order',
      'UPDATE payments SET live_order_id = (SELECT MIN(order_id) FROM order_states)',
    ],
    ['M11: one report twice', 'INSERT INTO provider_events SELECT * FROM provider_events'],
  ])('%s', async (_, sql) => {
    await shop.begin({ isSettled: true });
    await expect(shop.change('payment', sql)).rejects.toThrow();
    expect(brokenOf(await shop.check())).toEqual([]);
  });
});

describe("M9, asked of the provider's own log,", () => {
  /** The provider with the log that the payments of the test shop would have left behind. */
  async function withProvider(distort: (facts: Record<string, unknown>[]) => void): Promise<string[]> {
    await shop.begin({ isSettled: true });
    const { delivered, confirmed, refunded, expired } = shop.orders;
    const facts: Record<string, unknown>[] = [];
    const charged = ({ paymentId }: { paymentId: string }, amountMinor: string, isRefunded = false) => {
      const at = '2026-01-01T00:00:00.000Z';
      const fact = { at, paymentId };
      const card = { currencyCode: 'EUR', cardLast4: '4242', outcome: 'APPROVE', approvesAt: null };
      facts.push({ type: 'charge.created', ...fact, chargeId: `tc_${paymentId}`, amountMinor, ...card });
      facts.push({ type: 'charge.approved', ...fact });
      if (isRefunded) facts.push({ type: 'refund.succeeded', ...fact, refundId: `r_${paymentId}`, amountMinor });
    };
    charged(delivered, '4430');
    charged(confirmed, '11890');
    charged(refunded, '450', true);
    charged(expired, '1990', true);
    distort(facts);

    const folder = await mkdtemp(join(tmpdir(), 'souk-provider-'));
    const file = join(folder, 'log.jsonl');
    await writeFile(file, facts.map((fact) => `${JSON.stringify(fact)}\n`).join(''));
    const log = await openLog(file);
    const charges = openCharges({ log, approvalDelayMs: 1, lateApprovalMs: 1, report: () => {} });
    const app = fastify();
    await serveCharges(app, { charges, secret: 'secret' });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    try {
      return brokenOf(await shop.check({ providerLog: openProviderLog({ url, secret: 'secret' }) }));
    } finally {
      charges.stop();
      await app.close();
      await log.close();
      await rm(folder, { recursive: true });
    }
  }

  it('holds when both tell the same', async () => expect(await withProvider(() => {})).toEqual([]));

  it('goes red when the provider has a charge that we do not know', async () => {
    const stray = newId('Payment');
    const broken = await withProvider((facts) =>
      facts.push(...facts.slice(0, 2).map((fact) => ({ ...fact, paymentId: stray }))),
    );
    expect(broken).toEqual(['M9']);
  });

  it('goes red when we have a payment that the provider does not know', async () => {
    expect(await withProvider((facts) => facts.splice(0, 2))).toEqual(['M9']);
  });

  it('goes red when a refund never reached the provider', async () => {
    expect(await withProvider((facts) => facts.pop())).toEqual(['M9']);
  });

  it('is skipped, with the reason, when nobody says where the provider is', async () => {
    await shop.begin({ isSettled: true });
    const found = (await shop.check()).find(({ id }) => id === 'M9');
    expect(found).toMatchObject({ outcome: 'skipped', reason: expect.stringContaining('TEST_PROVIDER_URL') });
  });
});
