import { newId } from '@souk/platform/id';
import type { Victim } from './scene.ts';

/** Arguments that aim a field at the victim; `self` where an honest call acts on the caller alone and so may succeed. */
export type Row = ((victim: Victim) => string) | { self: (victim: Victim) => string };

export const none: Row = () => '';
const addressInput = `recipient: "X", line1: "X", city: "X", countryCode: "GB"`;
const key = () => `idempotencyKey: "${newId('Event')}"`;

/** How each root field of the whole graph is aimed at somebody. A new operation does not get in without its line here. */
export const operations: Record<string, Row> = {
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
