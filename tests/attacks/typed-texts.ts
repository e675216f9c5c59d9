import { readFileSync } from 'node:fs';
import { newId } from '@souk/platform/id';
import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLInputType,
  getNullableType,
  isInputObjectType,
  isListType,
} from 'graphql';
import type { Person } from '../client.ts';
import { type Attack, attack } from './attack.ts';
import { ask } from './request.ts';
import type { Scene, Victim } from './scene.ts';

/** Texts with a character that is not seen and changes what is, in every place of a mutation that takes a text. */

const schema = buildSchema(readFileSync(new URL('../../schema/api/admin.graphql', import.meta.url), 'utf8'));
const mutations = schema.getMutationType()?.getFields() ?? {};

/** What nobody ever reads: it is hashed, or compared with what is hashed. */
const secrets = new Set(['password', 'newPassword', 'currentPassword', 'refreshToken', 'token']);

const address = (type: 'of an order' | 'of a book') => ({
  recipient: 'X',
  phone: '1',
  line1: 'X',
  line2: 'X',
  city: 'X',
  region: 'X',
  postalCode: 'X',
  countryCode: type === 'of an order' ? 'DE' : 'GB',
});
const idempotencyKey = () => newId('Event');
const price = { amount: '1.00', currencyCode: 'EUR' };
const variant = () => ({
  sku: newId('Event'),
  title: 'X',
  price,
  selectedOptions: [{ name: 'X', value: 'X' }],
});
const product = () => ({
  title: 'X',
  slug: 'x',
  description: 'X',
  tags: ['x'],
  media: [{ url: 'https://pictures.example/x.png', altText: 'X' }],
  variants: [variant()],
});
const card = { number: '4242424242424242', expiryMonth: 12, expiryYear: 2032, securityCode: '123' };

/** Every mutation with texts, with all of them. One that is missing here fails. */
const inputs: Record<string, (victim: Victim, scene: Scene) => object | Promise<object>> = {
  signUp: () => ({ email: `${newId('Event')}@test.example`, password: 'a long enough secret', displayName: 'X' }),
  userUpdate: () => ({ displayName: 'X', phone: '1' }),
  addressCreate: () => address('of a book'),
  addressUpdate: ({ addressId: id }) => ({ id, address: address('of a book') }),
  userSuspend: ({ userId }) => ({ userId, reason: 'X' }),
  roleScopesSet: () => ({ role: 'SUPPORT', scopes: ['order:read'], expectedVersion: 1 }),
  doorLimitsSet: async (_, { admin }) => ({
    rootFields: [{ name: 'product', points: 1_000, windowSeconds: 1 }],
    expectedVersion: await doorLimitsVersion(admin),
  }),
  accessEntryAdd: () => ({ effect: 'DENY', kind: 'EMAIL_DOMAIN', subject: 'evil.example', reason: 'X' }),
  productCreate: product,
  productUpdate: ({ productId: id }) => ({ id, expectedVersion: 1, ...product() }),
  categoryUpsert: () => ({ slug: 'x', name: 'X' }),
  brandUpsert: () => ({ slug: 'x', name: 'X' }),
  stockAdjust: ({ variantId }) => ({ variantId, delta: 1, reason: 'X', idempotencyKey: idempotencyKey() }),
  cartCreate: () => ({ currencyCode: 'EUR', note: 'X' }),
  cartLinesAdd: ({ cartId, variantId }) => ({
    cartId,
    lines: [{ variantId, quantity: 1 }],
    idempotencyKey: idempotencyKey(),
  }),
  orderPlace: ({ variantId }) => ({
    lines: [{ variantId, quantity: 1 }],
    shippingAddress: address('of an order'),
    note: 'X',
    idempotencyKey: idempotencyKey(),
  }),
  orderCancel: ({ orderId }) => ({ orderId, reason: 'OTHER', message: 'X' }),
  orderAddressUpdate: ({ orderId }) => ({ orderId, expectedVersion: 2, shippingAddress: address('of an order') }),
  orderTransition: ({ orderId }) => ({ orderId, to: 'SHIPPED', message: 'X', expectedVersion: 2 }),
  paymentStart: ({ orderId }) => ({
    orderId,
    provider: 'TEST_CARD',
    testCard: card,
    idempotencyKey: idempotencyKey(),
  }),
  paymentCancel: ({ paymentId }) => ({ paymentId, idempotencyKey: idempotencyKey() }),
  paymentRefund: ({ paymentId }) => ({ paymentId, reason: 'X', idempotencyKey: idempotencyKey() }),
};

/** What a mutation is sent: its input, or what else it takes. */
async function argumentsOf(name: string, scene: Scene): Promise<Record<string, unknown>> {
  if (name === 'reconciliationRun') return { provider: 'TEST_CARD', day: '2026-01-01' };
  const input = inputs[name];
  if (!input) throw new Error(`Expected an input for ${name}, which takes a text.`);
  return { input: await input(scene.victim, scene) };
}

async function doorLimitsVersion(admin: Person): Promise<number> {
  const { data } = await ask(admin, '{ doorLimits { version } }');
  return (data as { doorLimits: { version: number } }).doorLimits.version;
}

/** What the victim does; the rest is done by staff. */
const own = /^(signUp|userUpdate|address|cart|orderPlace|payment(Start|Cancel))/;

export const typedTexts: Attack[] = Object.values(mutations).flatMap(({ name, args }) =>
  textsOf(args).map((path) =>
    attack({
      tries: `${name} with an escape sequence in ${path.join('.')}`,
      given: (scene) => argumentsOf(name, scene),
      request({ victim, admin }, variables) {
        const declared = args.filter((arg) => arg.name in variables);
        const parameters = declared.map((arg) => `$${arg.name}: ${arg.type}`).join(', ');
        const passed = declared.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
        return ask(
          own.test(name) ? victim : admin,
          `mutation (${parameters}) { ${name}(${passed}) { userErrors { code } } }`,
          spoilt(variables, path),
        );
      },
      answer: { status: 200, userErrors: ['INVALID'] },
    }),
  ),
);

/** Where arguments take a text that is kept. */
function textsOf(args: readonly GraphQLArgument[]): string[][] {
  return args.flatMap(({ name, type }) => textsIn(type, [name]));
}

function textsIn(type: GraphQLInputType, path: string[]): string[][] {
  const nullable = getNullableType(type);
  if (isListType(nullable)) return textsIn(nullable.ofType, [...path, '0']);
  if (isInputObjectType(nullable)) {
    return Object.values(nullable.getFields()).flatMap(({ name, type }) => textsIn(type, [...path, name]));
  }
  return nullable.name === 'String' && !secrets.has(path.at(-1) ?? '') ? [path] : [];
}

/** The same with one text spoilt. */
function spoilt<Value>(value: Value, [name = '', ...rest]: string[]): Value {
  if (name === '') return `${value}\u001B[31mX` as Value;
  if (Array.isArray(value))
    return value.map((item, index) => (String(index) === name ? spoilt(item, rest) : item)) as Value;
  const inside = (value as Record<string, unknown>)[name];
  if (inside === undefined) throw new Error(`Expected ${name} in ${JSON.stringify(value)}.`);
  return { ...value, [name]: spoilt(inside, rest) };
}
