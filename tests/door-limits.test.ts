import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { newCustomer, type Person, send, staff } from './client.ts';
import { liftBudgets, setDoorLimits } from './door-limits.ts';

const { gatewayUrl, adminUrl } = inject('shop');
let admin: Person;
beforeAll(async () => {
  admin = await staff(adminUrl, 'ADMIN');
});
afterAll(() => liftBudgets(admin));

const suggest = '{ productSuggestions(query: "shoe") }';
const becomes = (status: number, client: { url: string; accessToken?: string }) =>
  vi.waitFor(async () => expect((await send(client, suggest)).status).toBe(status), { timeout: 3_000, interval: 50 });

it('staff limit a root field while the shop runs; it holds soon, for each customer by themselves, until they lift it', async () => {
  const [first, second] = [await newCustomer(gatewayUrl), await newCustomer(gatewayUrl)];
  await becomes(200, first);
  await setDoorLimits(admin, { rootFields: [{ name: 'productSuggestions', points: 10, windowSeconds: 600 }] });
  await becomes(429, first);
  const { errors, data, headers } = await send(first, suggest);
  expect(data).toBeUndefined();
  expect(errors).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryable: true } }]);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await send(second, suggest)).status).toBe(200);
  expect((await send(first, '{ viewer { id } }')).status).toBe(200);
  await setDoorLimits(admin, { rootFields: [] });
  await becomes(200, first);
});
