import { randomUUID } from 'node:crypto';
import { ask, type Client } from './client.ts';
import { graphql } from './generated/gql.ts';
import type { ProductCreateInput } from './generated/graphql.ts';

/** The verbs of a shopper and of staff, as clients write them; each test composes its story of these. */

const ProductCreate = graphql(`
  mutation ProductCreate($input: ProductCreateInput!) {
    productCreate(input: $input) {
      product { id slug version variants(first: 10) { nodes { id sku price { amount currencyCode } } } }
      userErrors { code field message }
    }
  }
`);

/** A published product with one variant for each given stock; prices in EUR. */
export async function createProduct(manager: Client, stocks: number[], overrides: Partial<ProductCreateInput> = {}) {
  const name = randomUUID().slice(0, 8);
  const { productCreate } = await ask(manager, ProductCreate, {
    input: {
      title: `Test product ${name}`,
      description: 'Made by a test.',
      status: 'ACTIVE',
      variants: stocks.map((initialStock, index) => ({
        sku: `TEST-${name}-${index}`,
        price: { amount: `${10 + index}.90`, currencyCode: 'EUR' },
        selectedOptions: [{ name: 'Size', value: String(40 + index) }],
        initialStock,
      })),
      ...overrides,
    },
  });
  const product = productCreate?.product;
  if (!product) throw new Error(`Expected a product, got ${JSON.stringify(productCreate?.userErrors)}`);
  return { ...product, variantIds: product.variants.nodes.map(({ id }) => id) };
}

export const address = {
  recipient: 'Ada Lovelace',
  line1: '12 St James Square',
  city: 'London',
  postalCode: 'SW1Y 4JH',
  countryCode: 'GB',
};

const OrderPlace = graphql(`
  mutation OrderPlace($input: OrderPlaceInput!) {
    orderPlace(input: $input) {
      order { id number status version total { amount currencyCode } paymentDueAt }
      userErrors { code field message variantId available currentTotal { amount currencyCode } }
    }
  }
`);

export async function placeOrder(
  customer: Client,
  input: {
    cartId?: string;
    cartVersion?: number;
    lines?: { variantId: string; quantity: number }[];
    lineIds?: string[];
    expectedTotal?: { amount: string; currencyCode: string };
    idempotencyKey?: string;
  },
) {
  const { orderPlace } = await ask(customer, OrderPlace, {
    input: { idempotencyKey: randomUUID(), shippingAddress: address, ...input },
  });
  if (!orderPlace) throw new Error('Expected a payload, got null.');
  return orderPlace;
}

/** An order of a new customer that must succeed. */
export async function placedOrder(customer: Client, lines: { variantId: string; quantity: number }[]) {
  const { order, userErrors } = await placeOrder(customer, { lines });
  if (!order) throw new Error(`Expected an order, got ${JSON.stringify(userErrors)}`);
  return order;
}

const PaymentStart = graphql(`
  mutation PaymentStart($input: PaymentStartInput!) {
    paymentStart(input: $input) {
      payment { id status amount { amount currencyCode } capturedAmount { amount } failure { code isRetryable } }
      userErrors { code field message }
    }
  }
`);

export const cards = { approved: '4242424242424242', declined: '4000000000000002' };

export async function pay(
  customer: Client,
  orderId: string,
  number = cards.approved,
  idempotencyKey: string = randomUUID(),
) {
  const testCard = { number, expiryMonth: 12, expiryYear: 2032, securityCode: '123' };
  const { paymentStart } = await ask(customer, PaymentStart, {
    input: { orderId, provider: 'TEST_CARD', testCard, idempotencyKey },
  });
  if (!paymentStart) throw new Error('Expected a payload, got null.');
  return paymentStart;
}

const OrderState = graphql(`
  query OrderState($id: ID!) {
    order(id: $id) {
      id
      number
      status
      version
      cancelReason
      allowedActions
      paymentStatus
      total { amount currencyCode }
      events(first: 20) { nodes { from to actor } }
      payments { id status capturedAmount { amount } refundedAmount { amount } refunds { status amount { amount } } }
    }
  }
`);

export async function orderState(client: Client, id: string) {
  const { order } = await ask(client, OrderState, { id });
  if (!order) throw new Error(`Expected the order ${id}, got null.`);
  return order;
}

const VariantStock = graphql(`
  query VariantStock($id: ID!) {
    productVariant(id: $id) {
      availability
      stock { onHand reserved available movements(first: 100) { nodes { kind quantity orderId } totalCount { count } } }
    }
  }
`);

/** What staff see of a variant's stock. */
export async function stockOf(manager: Client, id: string) {
  const { productVariant } = await ask(manager, VariantStock, { id });
  if (!productVariant?.stock) throw new Error(`Expected the stock of ${id}, got null.`);
  const { movements, ...level } = productVariant.stock;
  return { ...level, movements: movements.nodes };
}

const OrderCancel = graphql(`
  mutation OrderCancel($input: OrderCancelInput!) {
    orderCancel(input: $input) {
      order { id status version }
      userErrors { code message }
    }
  }
`);

export async function cancelOrder(client: Client, orderId: string) {
  const { orderCancel } = await ask(client, OrderCancel, { input: { orderId, reason: 'CUSTOMER_REQUEST' } });
  if (!orderCancel) throw new Error('Expected a payload, got null.');
  return orderCancel;
}

const UnpaidOrders = graphql(`
  query UnpaidOrders {
    viewer { orders(first: 100, status: [AWAITING_PAYMENT]) { nodes { id } } }
  }
`);

/** The orders that a customer has placed and not paid, 100 at most. */
export async function unpaidOrders(customer: Client): Promise<string[]> {
  const { viewer } = await ask(customer, UnpaidOrders);
  if (!viewer?.orders) throw new Error('Expected the orders of somebody who is signed in, got null.');
  return viewer.orders.nodes.map(({ id }) => id);
}

const PaymentRefund = graphql(`
  mutation PaymentRefund($input: PaymentRefundInput!) {
    paymentRefund(input: $input) {
      payment { id status refundedAmount { amount } }
      refund { status amount { amount } }
      userErrors { code message }
    }
  }
`);

/** Staff send back a part of a payment in EUR, or all that is left of it. */
export async function refund(
  manager: Client,
  paymentId: string,
  amount?: string,
  idempotencyKey: string = randomUUID(),
) {
  const { paymentRefund } = await ask(manager, PaymentRefund, {
    input: {
      paymentId,
      reason: 'scratched',
      idempotencyKey,
      ...(amount ? { amount: { amount, currencyCode: 'EUR' } } : {}),
    },
  });
  if (!paymentRefund) throw new Error('Expected a payload, got null.');
  return paymentRefund;
}
