import { readFileSync } from 'node:fs';
import { guardsOf } from '@souk/platform/access';
import { newId } from '@souk/platform/id';
import { readSubgraphSdl, subgraphNames } from '@souk/schema/subgraphs';
import {
  buildSchema,
  type GraphQLField,
  type GraphQLOutputType,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  parse,
} from 'graphql';
import { beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { type Answer, ask, type Client, newCustomer, type Person, send, staff } from './client.ts';
import { graphql } from './generated/gql.ts';
import { address, createProduct, pay, placedOrder } from './shopping.ts';

/**
 * Every root field of the whole graph, asked by those who may not: nobody, another customer, staff without the scope.
 * The table below must name each field, so a new operation does not get in without an answer to "who may?".
 */

const { gatewayUrl, adminUrl, serviceUrls } = inject('shop');

/** Somebody with something to lose. */
interface Victim extends Person {
  addressId: string;
  sessionId: string;
  cartId: string;
  cartLineId: string;
  orderId: string;
  orderNumber: string;
  paymentId: string;
  productId: string;
  variantId: string;
}

/** Arguments that aim a field at the victim; `self` where an honest call acts on the caller alone and so may succeed. */
type Row = ((victim: Victim) => string) | { self: (victim: Victim) => string };

const none: Row = () => '';
const addressInput = `recipient: "X", line1: "X", city: "X", countryCode: "GB"`;
const key = () => `idempotencyKey: "${newId('Event')}"`;

const table: Record<string, Row> = {
  'Query.viewer': { self: () => '' },
  'Query.node': (v) => `id: "${v.orderId}"`,
  'Query.nodes': (v) => `ids: ["${v.orderId}", "${v.cartId}", "${v.paymentId}", "${v.addressId}", "${v.sessionId}"]`,
  'Query.user': (v) => `id: "${v.userId}"`,
  'Query.users': none,
  'Query.roleGrants': none,
  'Query.accessEntries': none,
  'Query.doorLimits': none,
  'Query.signingKeys': none,
  'Query.product': { self: (v) => `id: "${v.productId}"` },
  'Query.products': { self: () => '' },
  'Query.productSearch': { self: () => 'query: "shoe"' },
  'Query.productSuggestions': { self: () => 'query: "shoe"' },
  'Query.productVariant': { self: (v) => `id: "${v.variantId}"` },
  'Query.category': { self: () => 'slug: "none"' },
  'Query.categories': { self: () => '' },
  'Query.brand': { self: () => 'slug: "none"' },
  'Query.brands': { self: () => '' },
  'Query.cart': (v) => `id: "${v.cartId}"`,
  'Query.order': (v) => `id: "${v.orderId}"`,
  'Query.orders': none,
  'Query.payment': (v) => `id: "${v.paymentId}"`,
  'Query.payments': none,
  'Query.reconciliations': none,
  'Query.paymentMethods': { self: () => 'currencyCode: "EUR"' },
  'Mutation.signUp': (v) => `input: { email: "${v.email}", password: "a long enough secret", displayName: "X" }`,
  'Mutation.signIn': (v) => `input: { email: "${v.email}", password: "not the password" }`,
  'Mutation.tokenRefresh': () => `input: { refreshToken: "nonsense" }`,
  'Mutation.signOut': { self: () => '' },
  'Mutation.emailVerify': () => `token: "nonsense"`,
  'Mutation.emailVerificationResend': { self: () => '' },
  'Mutation.passwordResetRequest': { self: (v) => `email: "${v.email}"` },
  'Mutation.passwordReset': () => `token: "nonsense", newPassword: "a long enough secret"`,
  'Mutation.passwordChange': () => `currentPassword: "not the password", newPassword: "a long enough secret"`,
  'Mutation.sessionRevoke': (v) => `id: "${v.sessionId}"`,
  'Mutation.userUpdate': { self: () => 'input: { displayName: "Mallory" }' },
  'Mutation.userDelete': () => `password: "not the password"`,
  'Mutation.addressCreate': { self: () => `input: { ${addressInput} }` },
  'Mutation.addressUpdate': (v) => `input: { id: "${v.addressId}", address: { ${addressInput} } }`,
  'Mutation.addressDelete': (v) => `id: "${v.addressId}"`,
  'Mutation.addressSetDefault': (v) => `id: "${v.addressId}"`,
  'Mutation.userRolesSet': (v) => `input: { userId: "${v.userId}", roles: [ADMIN] }`,
  'Mutation.userSuspend': (v) => `input: { userId: "${v.userId}", reason: "X" }`,
  'Mutation.userReinstate': (v) => `userId: "${v.userId}"`,
  'Mutation.roleScopesSet': () => `input: { role: CUSTOMER, scopes: ["access:write"], expectedVersion: 1 }`,
  'Mutation.doorLimitsSet': () => `input: { instance: null, expectedVersion: 1 }`,
  'Mutation.accessEntryAdd': (v) => `input: { effect: DENY, kind: USER, subject: "${v.userId}" }`,
  'Mutation.signingKeysRotate': () => 'compromised: true',
  'Mutation.accessEntryRemove': () => `id: "${newId('AccessEntry')}"`,
  'Mutation.productCreate': () =>
    `input: { title: "X", description: "X", variants: [{ sku: "${newId('Event')}", price: { amount: "1.00", currencyCode: "EUR" } }] }`,
  'Mutation.productUpdate': (v) => `input: { id: "${v.productId}", expectedVersion: 1, title: "X" }`,
  'Mutation.productDelete': (v) => `id: "${v.productId}"`,
  'Mutation.productRestore': (v) => `id: "${v.productId}"`,
  'Mutation.categoryUpsert': () => `input: { slug: "${newId('Event')}", name: "X" }`,
  'Mutation.categoryDelete': () => `id: "${newId('Category')}"`,
  'Mutation.brandUpsert': () => `input: { slug: "${newId('Event')}", name: "X" }`,
  'Mutation.brandDelete': () => `id: "${newId('Brand')}"`,
  'Mutation.stockAdjust': (v) => `input: { variantId: "${v.variantId}", delta: 1, reason: "X", ${key()} }`,
  'Mutation.cartCreate': { self: () => 'input: { currencyCode: "EUR" }' },
  'Mutation.cartLinesAdd': (v) =>
    `input: { cartId: "${v.cartId}", lines: [{ variantId: "${v.variantId}", quantity: 1 }] }`,
  'Mutation.cartLinesUpdate': (v) =>
    `input: { cartId: "${v.cartId}", lines: [{ lineId: "${v.cartLineId}", quantity: 0 }] }`,
  'Mutation.cartLinesRemove': (v) => `input: { cartId: "${v.cartId}", lineIds: ["${v.cartLineId}"] }`,
  'Mutation.cartClear': (v) => `cartId: "${v.cartId}"`,
  'Mutation.cartClaim': (v) => `cartId: "${v.cartId}"`,
  'Mutation.orderPlace': (v) =>
    `input: { cartId: "${v.cartId}", cartVersion: 1, shippingAddressId: "${v.addressId}", ${key()} }`,
  'Mutation.orderCancel': (v) => `input: { orderId: "${v.orderId}", reason: OTHER }`,
  'Mutation.orderAddressUpdate': (v) =>
    `input: { orderId: "${v.orderId}", expectedVersion: 1, shippingAddress: { ${addressInput} } }`,
  'Mutation.orderReceiptConfirm': (v) => `orderId: "${v.orderId}"`,
  'Mutation.orderTransition': (v) => `input: { orderId: "${v.orderId}", to: SHIPPED, expectedVersion: 2 }`,
  'Mutation.paymentStart': (v) =>
    `input: { orderId: "${v.orderId}", provider: TEST_CARD, testCard: { number: "4242424242424242", expiryMonth: 12, expiryYear: 2032, securityCode: "123" }, ${key()} }`,
  'Mutation.paymentCancel': (v) => `input: { paymentId: "${v.paymentId}", ${key()} }`,
  'Mutation.paymentRefund': (v) => `input: { paymentId: "${v.paymentId}", reason: "X", ${key()} }`,
  'Mutation.reconciliationRun': () => 'provider: TEST_CARD, day: "2026-01-01"',
};

const schema = buildSchema(readFileSync(new URL('../schema/api/admin.graphql', import.meta.url), 'utf8'));
const guards = new Map(subgraphNames.flatMap((name) => [...guardsOf(parse(readSubgraphSdl(name)))]));
const rootFields = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
  Object.values(type?.getFields() ?? {}).map((field) => ({
    coordinate: `${type?.name}.${field.name}`,
    kind: type?.name.toLowerCase() ?? '',
    field,
  })),
);

let victim: Victim;
let stranger: Person;
let before: unknown;
const anonymous: Client = { url: adminUrl };
const staffByRole: Record<string, Person> = {};
let scopesOf: Record<string, string[]>;

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
      orders { nodes { id status version shippingAddress { recipient } payments { id status refundedAmount { amount } } } }
    }
  }
`);

const Grants = graphql(`query Grants { roleGrants { role scopes } }`);

beforeAll(async () => {
  const admin = await staff(adminUrl, 'ADMIN');
  for (const role of ['SUPPORT', 'CATALOG_MANAGER', 'ORDER_MANAGER'] as const)
    staffByRole[role] = await staff(adminUrl, role);
  const { roleGrants } = await ask(admin, Grants);
  scopesOf = Object.fromEntries((roleGrants ?? []).map(({ role, scopes }) => [role, scopes]));

  const product = await createProduct(admin, [50]);
  const variantId = product.variantIds[0] ?? '';
  const person = await newCustomer(gatewayUrl, 'Victim');
  stranger = { ...(await newCustomer(gatewayUrl, 'Mallory')), url: adminUrl };
  const order = await placedOrder(person, [{ variantId, quantity: 1 }]);
  const { payment } = await pay(person, order.id);
  // The cart's copy of the catalog learns of a new variant by an event; by now it has.
  const prepared = await ask(person, Prepare, {
    address,
    cart: { currencyCode: 'EUR', lines: [{ variantId, quantity: 2 }] },
  });
  const { viewer } = await ask(person, VictimState);
  victim = {
    ...person,
    url: adminUrl,
    productId: product.id,
    variantId,
    addressId: prepared.addressCreate?.address?.id ?? '',
    cartId: prepared.cartCreate?.cart?.id ?? '',
    cartLineId: prepared.cartCreate?.cart?.lines.nodes[0]?.id ?? '',
    orderId: order.id,
    orderNumber: order.number,
    paymentId: payment?.id ?? '',
    sessionId: viewer?.sessions?.[0]?.id ?? '',
  };
  for (const [name, value] of Object.entries(victim)) expect(value, name).toBeTruthy();
  await vi.waitFor(async () => {
    expect((await ask(victim, VictimState)).viewer?.orders?.nodes[0]?.status).toBe('CONFIRMED');
  }, 5_000);
  before = await ask(victim, VictimState);
});

it('the table names every operation of the graph and no other', () => {
  expect(rootFields.map(({ coordinate }) => coordinate).sort()).toEqual(Object.keys(table).sort());
});

describe.each(rootFields)('$coordinate', ({ coordinate, kind, field }) => {
  const row = table[coordinate] ?? none;
  const isHonest = typeof row !== 'function';
  const guard = guards.get(coordinate) ?? { kind: 'undeclared' };
  const call = (as: Client) => {
    const args = (isHonest ? row.self : row)(victim);
    return send(as, `${kind} { result: ${field.name}${args ? `(${args})` : ''} ${selection(field)} }`) as Promise<
      Answer<{ result: unknown }>
    >;
  };

  it('asked by nobody', async () => {
    const { data, errors } = await call(anonymous);
    if (guard.kind === 'authenticated' || guard.kind === 'scopes') {
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['UNAUTHENTICATED']);
      expect(data?.result).toBeNull();
    } else if (!isHonest) expectRefusedOrEmpty(data?.result, errors);
    await expectVictimUnharmed();
  });

  it('asked by another customer', async () => {
    // An honest sign-out ends the session it is sent with, so it gets one of its own.
    const as =
      coordinate === 'Mutation.signOut' ? { ...(await newCustomer(gatewayUrl, 'Mallory')), url: adminUrl } : stranger;
    const { data, errors } = await call(as);
    if (guard.kind === 'scopes') {
      expect(errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
      expect(data?.result).toBeNull();
    } else if (!isHonest) expectRefusedOrEmpty(data?.result, errors);
    await expectVictimUnharmed();
  });

  if (guard.kind !== 'scopes') return;

  it('asked by staff without the scope', async () => {
    const [role] = Object.keys(staffByRole).filter(
      (name) => !guard.anyOf.some((all) => all.every((scope) => scopesOf[name]?.includes(scope))),
    );
    const colleague = staffByRole[role ?? ''];
    if (!colleague) throw new Error(`Expected a staff role without ${JSON.stringify(guard.anyOf)}.`);
    const { data, errors } = await call(colleague);
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['FORBIDDEN']);
    expect(data?.result).toBeNull();
    await expectVictimUnharmed();
  });
});

describe("a stranger who knows the victim's ids", () => {
  it('learns nothing through any entity', async () => {
    const fields =
      'id ... on Order { number } ... on Cart { version } ... on Payment { status } ... on Address { city } ... on Session { createdAt } ... on User { displayName email }';
    const ids = [victim.orderId, victim.cartId, victim.paymentId, victim.addressId, victim.sessionId, victim.userId];
    const { data } = (await send(stranger, `{ nodes(ids: ${JSON.stringify(ids)}) { ${fields} } }`)) as Answer<{
      nodes: unknown[];
    }>;
    expect(data?.nodes).toEqual(ids.map(() => null));
  });

  it("sees no stock and no drafts in the storefront's contract", async () => {
    const { errors } = await send(
      { ...stranger, url: gatewayUrl },
      `{ product(id: "${victim.productId}") { status variants { nodes { stock { onHand } } } } }`,
    );
    expect(errors.map(({ extensions }) => extensions.code)).toEqual([
      'GRAPHQL_VALIDATION_FAILED',
      'GRAPHQL_VALIDATION_FAILED',
    ]);
  });
});

describe.each(subgraphNames)('the %s subgraph', (name) => {
  it.each([
    ['nothing', {}],
    ['an access token', { authorization: 'victim' }],
    ['a made-up assertion', { 'souk-assertion': 'eyJhbGciOiJub25lIn0.eyJpc3MiOiJnYXRld2F5In0.' }],
  ])('answers 401 to a caller with %s, whatever is asked', async (_, headers) => {
    for (const query of [
      '{ __typename }',
      '{ _service { sdl } }',
      '{ _entities(representations: []) { __typename } }',
      '{',
    ]) {
      const response = await fetch(`${serviceUrls[name]}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...('authorization' in headers ? { authorization: `Bearer ${victim.accessToken}` } : headers),
        },
        body: JSON.stringify({ query }),
      });
      expect(response.status).toBe(401);
      expect(await response.text()).not.toContain('data');
    }
  });
});

async function expectVictimUnharmed(): Promise<void> {
  expect(await ask(victim, VictimState)).toEqual(before);
}

/** Nothing given: an error, null, an empty list, or a payload that refuses. */
function expectRefusedOrEmpty(result: unknown, errors: Answer<unknown>['errors']): void {
  if (errors.length > 0) {
    for (const { extensions } of errors)
      expect(['UNAUTHENTICATED', 'FORBIDDEN', 'BAD_USER_INPUT']).toContain(extensions.code);
    return;
  }
  if (Array.isArray(result)) {
    expect(result.filter((item) => item !== null)).toEqual([]);
    return;
  }
  if (result === null) return;
  expect(result).toMatchObject({ userErrors: [{ code: expect.any(String) }] });
}

/** Enough of a field's answer to see whether anything was given. */
function selection(field: GraphQLField<unknown, unknown>): string {
  const type = getNamedType(field.type as GraphQLOutputType);
  if (!isCompositeType(type)) return '';
  if (isInterfaceType(type))
    return '{ ... on Order { number } ... on Cart { version } ... on Payment { status } ... on Address { city } ... on Session { createdAt } }';
  if (!isObjectType(type)) return '{ __typename }';
  const fields = type.getFields();
  if (fields['userErrors']) return '{ userErrors { code } }';
  if (fields['nodes']) return '{ nodes { __typename } }';
  return fields['id'] ? '{ id __typename }' : '{ __typename }';
}
