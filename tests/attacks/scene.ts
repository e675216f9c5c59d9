import { newId } from '@souk/platform/id';
import { expect, inject, vi } from 'vitest';
import { ask, newCustomer, type Person, staff } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { address, createProduct, pay, placedOrder, refund } from '../shopping.ts';

/** Who is there when somebody attacks. */
export interface Scene {
  victim: Victim;
  /** A customer like any other, who knows all the ids of the victim. At the staff's endpoint, because that shows more. */
  stranger: Person;
  admin: Person;
  staff: Record<StaffRole, Person>;
}

/** Somebody with something to lose. */
export interface Victim extends Person {
  addressId: string;
  sessionId: string;
  cartId: string;
  cartLineId: string;
  orderId: string;
  orderNumber: string;
  orderLineId: string;
  paymentId: string;
  refundId: string;
  productId: string;
  variantId: string;
}

const staffRoles = ['SUPPORT', 'CATALOG_MANAGER', 'ORDER_MANAGER'] as const;
export type StaffRole = (typeof staffRoles)[number];

/** What stands in everything that is the victim's alone, so that an answer which has it in it has told too much. */
export const PRIVATE = 'Hortensia-Quillfeather';

const Prepare = graphql(`
  mutation Prepare($address: AddressInput!, $cart: CartCreateInput!) {
    addressCreate(input: $address) { address { id } userErrors { message } }
    cartCreate(input: $cart) { cart { id lines { nodes { id } } } userErrors { message } }
  }
`);

const VictimState = graphql(`
  query VictimState {
    viewer {
      id
      displayName
      email
      isEmailVerified
      roles
      addresses { nodes { id recipient line1 isDefaultShipping } }
      sessions { id }
      cart { id version totalQuantity }
      orders {
        nodes {
          id
          status
          version
          lines { nodes { id } }
          shippingAddress { recipient }
          payments { id status refundedAmount { amount } refunds { id status } }
        }
      }
    }
  }
`);

/** What the victim sees of what is theirs. */
export async function stateOf(victim: Person) {
  const { viewer } = await ask(victim, VictimState);
  return viewer;
}

export async function setScene(): Promise<Scene> {
  const { gatewayUrl, adminUrl } = inject('shop');
  const admin = await staff(adminUrl, 'ADMIN');
  const colleagues: Partial<Record<StaffRole, Person>> = {};
  for (const role of staffRoles) colleagues[role] = await staff(adminUrl, role);
  return {
    victim: await newVictim(gatewayUrl, adminUrl, admin),
    stranger: { ...(await newCustomer(gatewayUrl, 'Mallory')), url: adminUrl },
    admin,
    staff: colleagues as Record<StaffRole, Person>,
  };
}

async function newVictim(gatewayUrl: string, adminUrl: string, admin: Person): Promise<Victim> {
  const product = await createProduct(admin, [50]);
  const variantId = product.variantIds[0] ?? '';
  const person = await newCustomer(gatewayUrl, PRIVATE);
  const order = await placedOrder(person, [{ variantId, quantity: 1 }]);
  const { payment } = await pay(person, order.id);
  const refunded = await refund(admin, payment?.id ?? '', '1.00');
  expect(refunded.userErrors).toEqual([]);
  // The cart's copy of the catalog learns of a new variant by an event; by now it has.
  const prepared = await ask(person, Prepare, {
    address: { ...address, recipient: PRIVATE },
    cart: { currencyCode: 'EUR', lines: [{ variantId, quantity: 2 }], note: PRIVATE },
  });
  const state = await vi.waitFor(async () => {
    const found = await stateOf(person);
    expect(found?.orders?.nodes[0]).toMatchObject({
      status: 'CONFIRMED',
      payments: [{ status: 'PARTIALLY_REFUNDED', refunds: [{ status: 'SUCCEEDED' }] }],
    });
    return found;
  }, 10_000);
  const victim = {
    ...person,
    url: adminUrl,
    productId: product.id,
    variantId,
    addressId: prepared.addressCreate?.address?.id ?? '',
    cartId: prepared.cartCreate?.cart?.id ?? '',
    cartLineId: prepared.cartCreate?.cart?.lines.nodes[0]?.id ?? '',
    orderId: order.id,
    orderNumber: order.number,
    orderLineId: state?.orders?.nodes[0]?.lines.nodes[0]?.id ?? '',
    paymentId: payment?.id ?? '',
    refundId: state?.orders?.nodes[0]?.payments?.[0]?.refunds[0]?.id ?? '',
    sessionId: state?.sessions?.[0]?.id ?? '',
  };
  for (const [name, value] of Object.entries(victim)) expect(value, name).toBeTruthy();
  return victim;
}

/** The same names for somebody who has never been: what is asked for the victim is asked for nobody, to see whether the answers differ. */
export function nobodyLike(victim: Victim): Victim {
  return {
    ...victim,
    email: 'nobody@test.example',
    userId: newId('User'),
    addressId: newId('Address'),
    sessionId: newId('Session'),
    cartId: newId('Cart'),
    cartLineId: newId('CartLine'),
    orderId: newId('Order'),
    orderNumber: 'SK-0000-0000',
    orderLineId: newId('OrderLine'),
    paymentId: newId('Payment'),
    refundId: newId('Refund'),
  };
}
