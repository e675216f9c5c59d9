import { allOf, PARTS, partsOf, together } from '@souk/dev/answer-parts';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../platform/test/tcp-proxy.ts';
import { type Client, newCustomer, type Person, send, staff } from './client.ts';
import { createProduct, pay, placedOrder } from './shopping.ts';
import { type SecondGateway, startSecondGateway } from './two-gateways.ts';

/** The page of an order that was paid, taken in parts by a client that reads what curl would show. */

const { gatewayUrl, adminUrl, serviceUrls } = inject('shop');
let customer: Person;
let orderId: string;
let toPayment: TcpProxy;
let second: SecondGateway;

beforeAll(async () => {
  const { hostname, port } = new URL(serviceUrls.payment);
  toPayment = await startTcpProxy({ host: hostname, port: Number(port) });
  const urls = Object.fromEntries(
    Object.entries(serviceUrls)
      .filter(([name]) => name !== 'gateway')
      .map(([name, url]) => [name, `${url}/graphql`]),
  );
  const payment = `http://127.0.0.1:${toPayment.port}/graphql`;
  second = await startSecondGateway({ SUBGRAPH_URLS: JSON.stringify({ ...urls, payment }) });
  const { variantIds } = await createProduct(await staff(adminUrl, 'ADMIN'), [10]);
  customer = await newCustomer(gatewayUrl);
  const order = await placedOrder(customer, [{ variantId: variantIds[0] ?? '', quantity: 2 }]);
  await pay(customer, order.id);
  orderId = order.id;
});
afterAll(async () => {
  await second?.child.stop();
  await toPayment?.close();
});

const query = `query OrderPage($id: ID!) {
  order(id: $id) {
    id
    number
    lines(first: 5) { nodes { quantity ...Variant @defer(label: "variant") } }
    ... @defer(label: "money") { payments { id amount { amount currencyCode } } }
    ... @defer(label: "customer") { customer { displayName ... @defer(label: "further") { email } } }
  }
}
fragment Variant on OrderLine { variant { sku product { title } } }`;

function ask(client: Client, accept = `${PARTS},application/graphql-response+json,application/json;q=0.9`) {
  return fetch(client.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${client.accessToken}` },
    body: JSON.stringify({ query, variables: { id: orderId } }),
  });
}

describe('the page of an order', () => {
  it('comes in parts, which are the whole page together', async () => {
    const parts = await allOf(partsOf(await ask(customer)));
    const { data } = await send<unknown, object>(customer, query, { id: orderId });
    expect(together(parts)).toEqual(data);
    expect(parts[0]).toEqual({
      data: { order: { id: orderId, number: expect.any(String), lines: { nodes: [{ quantity: 2 }] } } },
      hasNext: true,
    });
    const labels = parts.flatMap(({ incremental = [] }) => incremental.map(({ label }) => label));
    expect(labels.sort()).toEqual(['customer', 'further', 'money', 'variant']);
    expect(JSON.stringify(parts)).not.toContain('errors');
  });

  it('is there while payments are still waited for', async () => {
    toPayment.freeze();
    const parts = partsOf(await ask({ ...customer, url: second.gatewayUrl }));
    expect((await parts.next()).value).toMatchObject({ data: { order: { id: orderId } }, hasNext: true });
    await toPayment.heal();
    const rest = await allOf(parts);
    const money = rest.flatMap(({ incremental = [] }) => incremental).find(({ label }) => label === 'money');
    expect(money).toMatchObject({ path: ['order'], data: { payments: [{ id: expect.any(String) }] } });
  });

  it('lacks what a subgraph that is away would have brought, and nothing else', async () => {
    await toPayment.cut();
    const parts = await allOf(partsOf(await ask({ ...customer, url: second.gatewayUrl })));
    await toPayment.heal();
    const places = parts.flatMap(({ incremental = [] }) => incremental);
    expect(places.find(({ label }) => label === 'money')).toMatchObject({
      data: { payments: null },
      errors: [{ path: ['order', 'payments'], extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }],
    });
    expect(places.find(({ label }) => label === 'further')).toMatchObject({ data: { email: expect.any(String) } });
    expect(places.filter(({ errors }) => errors)).toHaveLength(1);
  });

  it('is whole for staff, whose endpoint does not know @defer', async () => {
    const response = await ask({ ...customer, url: adminUrl });
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { message: string }[] };
    expect(errors[0]?.message).toBe('Unknown directive "@defer".');
  });
});
