import { bytesToId } from '@souk/platform/id';
import { type SubgraphName, subgraphNames } from '@souk/schema/subgraphs';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

export interface History {
  orders: number;
  /** How long ago the first of them was placed; the last one is an hour old. */
  days: number;
  users: number;
  variants: number;
}

/**
 * Fills five empty databases with the history of a shop in which everything went as it should, and everything is settled.
 *
 * Each database makes its rows by itself, by a few large statements: whatever two of them must agree on, such as the id of order 4711 or what
 * its second line costs, follows from the number by one formula. What sweeps would have removed by now is left out.
 */
export async function fillShop(adminUrls: Record<SubgraphName, string>, history: History): Promise<void> {
  const lastAt = Date.now() - HOUR_MS;
  const times: Times = {
    firstAt: lastAt - history.days * DAY_MS,
    stepMs: Math.floor((history.days * DAY_MS) / history.orders),
  };
  await Promise.all(
    subgraphNames.map(async (name) => {
      const connection = await createConnection({ uri: adminUrls[name], timezone: 'Z', multipleStatements: true });
      try {
        await connection.query("SET time_zone = '+00:00', unique_checks = 0");
        await numbers(connection, Math.max(history.orders, history.users, history.variants));
        for (const statement of statements[name](history, times)) await connection.query(statement);
        if (name === 'order') await fillAnswers(connection);
        await connection.query('DROP TABLE numbers');
        await analyze(connection);
      } finally {
        await connection.end();
      }
    }),
  );
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface Times {
  firstAt: number;
  /** Between one order and the next. */
  stepMs: number;
}

async function numbers(connection: Connection, count: number): Promise<void> {
  await connection.query('CREATE TABLE numbers (i INT PRIMARY KEY)');
  await connection.query(
    `INSERT INTO numbers WITH RECURSIVE d(v) AS (SELECT 0 UNION ALL SELECT v + 1 FROM d WHERE v < 999)
     SELECT a.v * 1000 + b.v FROM d a JOIN d b WHERE a.v < ${Math.ceil(count / 1000)} ORDER BY a.v, b.v`,
  );
}

/** So that the server knows how many rows there are, as it would in a shop that has grown. */
async function analyze(connection: Connection): Promise<void> {
  const [tables] = await connection.query<RowDataPacket[]>('SHOW TABLES');
  await connection.query(`ANALYZE TABLE ${tables.map((row) => Object.values(row)[0]).join(', ')}`);
}

/** The id of the thing of this kind with this number: the instant it was made, then what chance would have given it. */
const idOf = (kind: string, number: string, atMs: string) =>
  `UNHEX(CONCAT(LPAD(HEX(${atMs}), 12, '0'), '7', LEFT(MD5(CONCAT('${kind}', ${number})), 3), '8', SUBSTR(MD5(CONCAT('${kind}', ${number})), 4, 15)))`;
const instantOf = (ms: string) => `CAST(FROM_UNIXTIME((${ms}) / 1000) AS DATETIME(3))`;

/** What becomes of order `i`. Of twenty: thirteen delivered, two shipped, one packed, one confirmed, one expired, two called off unpaid or paid. */
const k = '(i % 20)';
const isPaidFor = `(${k} < 16 OR ${k} IN (18, 19))`;
const isCalledOff = `(${k} IN (16, 17, 18))`;
/** One in five that was called off unpaid got its money too late, and gave it back. */
const isPaidLate = '(i % 100 = 17)';
const statusOf = `CASE WHEN ${k} < 13 THEN 'DELIVERED' WHEN ${k} < 15 THEN 'SHIPPED' WHEN ${k} = 15 THEN 'CONFIRMED' WHEN ${k} = 16 THEN 'EXPIRED' WHEN ${k} = 19 THEN 'PROCESSING' ELSE 'CANCELED' END`;

const lineOf = (variants: number) => [
  { position: 0, variant: `((i * 2) % ${variants})`, quantity: '(1 + i % 3)' },
  { position: 1, variant: `((i * 2 + 1) % ${variants})`, quantity: '(1 + i % 2)' },
];
const priceOf = (variant: string) => `(500 + (${variant} * 37) % 9000)`;

type Statements = (history: History, times: Times) => string[];

const common = ({ orders, users, variants }: History, { firstAt, stepMs }: Times) => {
  const at = `(${firstAt} + i * ${stepMs})`;
  const variantId = (variant: string) => idOf('variant', variant, `(${firstAt} - ${DAY_MS} + ${variant})`);
  const lines = lineOf(variants);
  return {
    at,
    lines,
    variantId,
    orderId: idOf('order', 'i', at),
    userId: (number: string) => idOf('user', number, `(${firstAt} - ${DAY_MS} + ${number})`),
    paymentId: idOf('payment', 'i', `${at} + 20000`),
    eventId: (type: string) => idOf(type, 'i', `${at} + ${type === 'canceled' ? 600_000 : 30_000}`),
    total: lines.map(({ variant, quantity }) => `${priceOf(variant)} * ${quantity}`).join(' + '),
    from: (condition = 'TRUE') => `FROM numbers WHERE i < ${orders} AND ${condition} ORDER BY i`,
    buyer: `(i % ${users})`,
    /** What is younger than this is still there. */
    within: (days: number) => `${at} > ${Date.now() - days * DAY_MS}`,
  };
};

const delivered = (subscriber: string, type: string, event: string, atMs: string) => `
  SELECT ${event}, '${subscriber}', '${type}', CONCAT('ordr_', i), '{}', '{}', 'DELIVERED', ${instantOf(atMs)}, ${instantOf(`${atMs} + 40`)}`;
const outboxColumns = '(event_id, subscriber, type, aggregate_id, payload, trace, state, occurred_at, delivered_at)';

const statements: Record<SubgraphName, Statements> = {
  user({ users }, { firstAt }) {
    const at = `(${firstAt - DAY_MS} + i)`;
    const userId = idOf('user', 'i', at);
    const sessionId = idOf('session', 'i', at);
    const seenAt = `(${Date.now() - 2 * HOUR_MS} - i * 1000 % ${6 * DAY_MS})`;
    const hash = (position: number) => `UNHEX(SHA2(CONCAT('token', i, '/', ${position}), 256))`;
    const from = `FROM numbers WHERE i < ${users} ORDER BY i`;
    return [
      `INSERT INTO users (id, email, email_key, email_domain, password_hash, display_name, created_at, updated_at, email_verified_at)
       SELECT ${userId}, CONCAT('u', i, '@example.com'), CONCAT('u', i, '@example.com'), 'example.com',
              CONCAT('$argon2id$v=19$m=19456,t=2,p=1$HCef1vVPtTTtDTBXQXCfwg$', SHA2(i, 224)), CONCAT('User ', i), ${instantOf(at)}, ${instantOf(at)}, ${instantOf(at)} ${from}`,
      `INSERT INTO sessions (id, user_id, created_at, last_seen_at, expires_at, ends_at)
       SELECT ${sessionId}, ${userId}, ${instantOf(`${seenAt} - 7200000`)}, ${instantOf(seenAt)}, ${instantOf(`${seenAt} + ${7 * DAY_MS}`)}, ${instantOf(`${seenAt} + ${29 * DAY_MS}`)} ${from}`,
      ...[0, 1, 2, 3].map(
        (position) => `
        INSERT INTO refresh_tokens (hash, session_id, expires_at, used_at, successor_hash, created_at)
        SELECT ${hash(position)}, ${sessionId}, ${instantOf(`${seenAt} + ${7 * DAY_MS}`)},
               ${position < 3 ? `${instantOf(`${seenAt} - ${(2 - position) * 600_000}`)}, ${hash(position + 1)}` : 'NULL, NULL'},
               ${instantOf(`${seenAt} - ${(3 - position) * 600_000}`)} ${from}`,
      ),
    ];
  },

  catalog(history, times) {
    const { lines, variantId, orderId, eventId, at, from, within } = common(history, times);
    const variantAt = `(${times.firstAt - DAY_MS} + i)`;
    const movements = (kind: string, condition: string, afterMs: number) =>
      lines.map(
        ({ position, variant, quantity }) => `
        INSERT INTO stock_movements (id, variant_id, kind, quantity, order_id, created_at)
        SELECT ${idOf(kind, `i * 2 + ${position}`, `${at} + ${afterMs}`)}, ${variantId(variant)}, '${kind}', ${quantity}, ${orderId}, ${instantOf(`${at} + ${afterMs}`)} ${from(condition)}`,
      );
    return [
      `INSERT INTO product_variants (id, product_id, position, sku, title, price_minor, currency_code, selected_options)
       SELECT ${variantId('i')}, ${variantId('i')}, 1, CONCAT('V', i), 'A variant', ${priceOf('i')}, 'EUR', '[]' FROM numbers WHERE i < ${history.variants} ORDER BY i`,
      `INSERT INTO stock_movements (id, variant_id, kind, quantity, reason, created_at)
       SELECT ${idOf('received', 'i', variantAt)}, ${variantId('i')}, 'RECEIVED', 1000000, 'First delivery', ${instantOf(variantAt)} FROM numbers WHERE i < ${history.variants} ORDER BY i`,
      `INSERT INTO stock_reservations (order_id, id, status, expires_at, created_at, updated_at)
       SELECT ${orderId}, ${idOf('reservation', 'i', at)},
              CASE WHEN ${k} = 18 THEN 'RETURNED' WHEN ${isCalledOff} THEN 'RELEASED' ELSE 'COMMITTED' END,
              ${instantOf(`${at} + 900000`)}, ${instantOf(at)}, ${instantOf(at)} ${from()}`,
      ...lines.map(
        ({ position, variant, quantity }) => `
        INSERT INTO stock_reservation_lines (order_id, variant_id, quantity, unit_price_minor, currency_code, title, sku)
        SELECT ${orderId}, ${variantId(variant)}, ${quantity}, ${priceOf(variant)}, 'EUR', 'A variant', CONCAT('V', ${variant}, '/', ${position}) ${from()}`,
      ),
      ...movements('RESERVED', 'TRUE', 0),
      ...movements('COMMITTED', isPaidFor, 31_000),
      ...movements('RELEASED', `${isCalledOff} AND NOT ${isPaidFor}`, 601_000),
      ...movements('RETURNED', `${k} = 18`, 601_000),
      `INSERT INTO stock_levels (variant_id, on_hand)
       SELECT variant_id, SUM(CASE WHEN kind IN ('RECEIVED', 'RETURNED') THEN quantity WHEN kind = 'COMMITTED' THEN -quantity ELSE 0 END) FROM stock_movements GROUP BY variant_id`,
      `INSERT INTO inbox (event_id, type, handled_at) SELECT ${eventId('confirmed')}, 'order.confirmed', ${instantOf(`${at} + 31000`)} ${from(isPaidFor)}`,
      `INSERT INTO inbox (event_id, type, handled_at) SELECT ${eventId('canceled')}, 'order.canceled', ${instantOf(`${at} + 601000`)} ${from(isCalledOff)}`,
      `INSERT INTO outbox ${outboxColumns}
       ${delivered('cart', 'variant.changed', idOf('changed', 'i', at), at)} ${from(`i % 10 = 0 AND ${within(7)}`)}`,
    ];
  },

  cart(history, times) {
    const { eventId, at, from, within } = common(history, times);
    return [
      `INSERT INTO inbox (event_id, type, handled_at) SELECT ${eventId('confirmed')}, 'order.confirmed', ${instantOf(`${at} + 31000`)} ${from(isPaidFor)}`,
      `INSERT INTO inbox (event_id, type, handled_at) SELECT ${idOf('changed', 'i', at)}, 'variant.changed', ${instantOf(`${at} + 50`)} ${from(`i % 10 = 0 AND ${within(7)}`)}`,
    ];
  },

  order(history, times) {
    const { lines, variantId, orderId, userId, eventId, at, total, buyer, from, within } = common(history, times);
    const event = (
      version: number,
      fromStatus: string,
      to: string,
      actor: string,
      condition: string,
      cause = 'NULL',
    ) => {
      const when = `${at} + ${version === 1 ? 0 : to === "'CONFIRMED'" ? 30_000 : 600_000 + version * 1_000}`;
      return `INSERT INTO order_events (id, order_id, version, from_status, to_status, actor, caused_by, created_at)
        SELECT ${idOf('event', `i * 10 + ${version}`, when)}, ${orderId}, ${version}, ${fromStatus}, ${to}, '${actor}', ${cause}, ${instantOf(when)} ${from(condition)}`;
    };
    return [
      `INSERT INTO orders (id, number, user_id, status, version, email, currency_code, subtotal_minor, shipping_minor, tax_minor, total_minor, recipient,
                           line1, city, postal_code, country_code, cancel_reason, cart_id, live_cart_version, placed_at, updated_at)
       SELECT ${orderId}, CONCAT('SK-', LPAD(i, 9, '0')), ${userId(buyer)}, ${statusOf},
              CASE WHEN ${k} < 13 THEN 4 WHEN ${k} IN (13, 14, 18, 19) THEN 3 ELSE 2 END, CONCAT('u', ${buyer}, '@example.com'),
              'EUR', ${total}, 0, 0, ${total}, 'Ada Lovelace', '12 St James Square', 'London', 'SW1Y 4JH', 'GB', IF(${isCalledOff}, 'OTHER', NULL),
              IF(i % 2 = 0, ${idOf('cart', 'i', at)}, NULL), IF(i % 2 = 0 AND NOT ${isCalledOff}, 3, NULL), ${instantOf(at)}, ${instantOf(at)} ${from()}`,
      ...lines.map(
        ({ position, variant, quantity }) => `
        INSERT INTO order_lines (id, order_id, position, variant_id, sku, title, unit_price_minor, quantity)
        SELECT ${idOf('line', `i * 2 + ${position}`, at)}, ${orderId}, ${position + 1}, ${variantId(variant)}, 'V', 'A variant', ${priceOf(variant)}, ${quantity} ${from()}`,
      ),
      event(1, 'NULL', "'AWAITING_PAYMENT'", 'CUSTOMER', 'TRUE'),
      event(2, "'AWAITING_PAYMENT'", "'CONFIRMED'", 'PAYMENT_PROVIDER', isPaidFor, eventId('captured')),
      event(2, "'AWAITING_PAYMENT'", "'EXPIRED'", 'SYSTEM', `${k} = 16`),
      event(2, "'AWAITING_PAYMENT'", "'CANCELED'", 'CUSTOMER', `${k} = 17`),
      event(3, "'CONFIRMED'", "'CANCELED'", 'STAFF', `${k} = 18`),
      event(3, "'CONFIRMED'", "'PROCESSING'", 'STAFF', `${k} = 19`),
      event(3, "'CONFIRMED'", "'SHIPPED'", 'STAFF', `${k} < 15`),
      event(4, "'SHIPPED'", "'DELIVERED'", 'CUSTOMER', `${k} < 13`),
      `INSERT INTO checkouts (order_id, user_id, idempotency_key, state, reached, leased_until, created_at, updated_at)
       SELECT ${orderId}, ${userId(buyer)}, CONCAT('key-', i), 'PLACED', 'RESERVE_STOCK', ${instantOf(at)}, ${instantOf(at)}, ${instantOf(at)} ${from(within(7))}`,
      `INSERT INTO inbox (event_id, type, handled_at) SELECT ${eventId('captured')}, 'payment.captured', ${instantOf(`${at} + 30000`)} ${from(isPaidFor)}`,
      ...['catalog', 'cart'].map(
        (subscriber) =>
          `INSERT INTO outbox ${outboxColumns} ${delivered(subscriber, 'order.confirmed', eventId('confirmed'), `${at} + 30000`)} ${from(`${isPaidFor} AND ${within(7)}`)}`,
      ),
      ...['catalog', 'payment'].map(
        (subscriber) =>
          `INSERT INTO outbox ${outboxColumns} ${delivered(subscriber, 'order.canceled', eventId('canceled'), `${at} + 600000`)} ${from(`${isCalledOff} AND ${within(7)}`)}`,
      ),
    ];
  },

  payment(history, times) {
    const { orderId, userId, paymentId, eventId, at, total, buyer, from, within } = common(history, times);
    const isCaptured = `(${isPaidFor} OR ${isPaidLate})`;
    const isRefunded = `(${k} = 18 OR ${isPaidLate})`;
    const refundId = idOf('refund', 'i', `${at} + 601000`);
    const booked = (
      kind: string,
      debit: string,
      credit: string,
      source: string,
      afterMs: number,
      condition: string,
    ) => {
      const id = idOf(kind, 'i', `${at} + ${afterMs}`);
      return [
        `INSERT INTO ledger_transactions (id, payment_id, kind, source_event, created_at)
         SELECT ${id}, ${paymentId}, '${kind}', ${source}, ${instantOf(`${at} + ${afterMs}`)} ${from(condition)}`,
        `INSERT INTO ledger_entries (transaction_id, account, currency_code, amount_minor) SELECT ${id}, '${debit}', 'EUR', ${total} ${from(condition)}`,
        `INSERT INTO ledger_entries (transaction_id, account, currency_code, amount_minor) SELECT ${id}, '${credit}', 'EUR', -(${total}) ${from(condition)}`,
      ];
    };
    return [
      `INSERT INTO payments (id, order_id, order_number, user_id, provider, status, currency_code, amount_minor, captured_minor, refunded_minor,
                             provider_reference, live_order_id, created_at, updated_at)
       SELECT ${paymentId}, ${orderId}, CONCAT('SK-', LPAD(i, 9, '0')), ${userId(buyer)}, 'TEST_CARD',
              CASE WHEN ${k} = 16 THEN 'FAILED' WHEN ${isRefunded} THEN 'REFUNDED' ELSE 'CAPTURED' END, 'EUR', ${total}, IF(${isCaptured}, ${total}, 0), IF(${isRefunded}, ${total}, 0),
              CONCAT('tc_', MD5(i)), IF(${isPaidFor}, ${orderId}, NULL), ${instantOf(`${at} + 20000`)}, ${instantOf(`${at} + 30000`)} ${from(`(${isCaptured} OR ${k} = 16)`)}`,
      `INSERT INTO refunds (id, payment_id, amount_minor, currency_code, status, reason, created_at, updated_at)
       SELECT ${refundId}, ${paymentId}, ${total}, 'EUR', 'SUCCEEDED', 'The order was canceled.', ${instantOf(`${at} + 601000`)}, ${instantOf(`${at} + 602000`)} ${from(isRefunded)}`,
      ...booked('CAPTURE', 'provider_receivable', 'customer_orders', "CONCAT('paym_', i)", 30_000, isCaptured),
      ...booked('REFUND_GRANTED', 'customer_orders', 'refunds_payable', "CONCAT('rfnd_', i)", 601_000, isRefunded),
      ...booked('REFUND_SENT', 'refunds_payable', 'provider_receivable', "CONCAT('rfnd_', i)", 602_000, isRefunded),
      `INSERT INTO order_states (order_id, state, updated_at)
       SELECT ${orderId}, CASE WHEN ${k} = 16 THEN 'EXPIRED' WHEN ${isCalledOff} THEN 'CANCELED' ELSE 'OPEN' END, ${instantOf(`${at} + 601000`)} ${from()}`,
      `INSERT INTO provider_events (provider, event_id, payment_id, charge, outcome, received_at, processed_at)
       SELECT 'TEST_CARD', CONCAT('tce_', MD5(i)), ${paymentId}, '{"status":"CAPTURED"}', 'UNCHANGED', ${instantOf(`${at} + 30000`)}, ${instantOf(`${at} + 30010`)} ${from(isCaptured)}`,
      `INSERT INTO inbox (event_id, type, handled_at) SELECT ${eventId('canceled')}, 'order.canceled', ${instantOf(`${at} + 601000`)} ${from(isCalledOff)}`,
      `INSERT INTO outbox ${outboxColumns} ${delivered('order', 'payment.captured', eventId('captured'), `${at} + 30000`)} ${from(`${isPaidFor} AND ${within(7)}`)}`,
    ];
  },
};

/** The answers stored for idempotency keys name orders as clients do, which SQL cannot spell. */
async function fillAnswers(connection: Connection): Promise<void> {
  const [recent] = await connection.query<RowDataPacket[]>(
    'SELECT id, placed_at AS placedAt FROM orders WHERE placed_at > CURRENT_TIMESTAMP(3) - INTERVAL 24 HOUR',
  );
  for (let start = 0; start < recent.length; start += 1_000) {
    const rows = recent.slice(start, start + 1_000).map(({ id, placedAt }) => {
      const orderId = bytesToId('Order', id);
      return ['user', 'orderPlace', orderId, 'f', placedAt, JSON.stringify({ orderId }), placedAt];
    });
    await connection.query(
      'INSERT INTO idempotency_keys (owner, operation, idempotency_key, fingerprint, leased_until, answer, created_at) VALUES ?',
      [rows],
    );
  }
}
