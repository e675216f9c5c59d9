import { DEMO_PASSWORD } from '@souk/dev/demo-accounts';
import { expect, inject, it } from 'vitest';

const { metricsUrls, gatewayUrl } = inject('shop');
const board = new URL('/jobs', metricsUrls.gateway).href;

async function signIn(email: string): Promise<Response> {
  return fetch(`${board}/sign-in`, {
    method: 'POST',
    headers: { origin: new URL(board).origin },
    body: new URLSearchParams({ email, password: DEMO_PASSWORD }),
    redirect: 'manual',
  });
}

it('administrators see on the board of jobs what travels between subgraphs', async () => {
  const { status, headers } = await signIn('admin@souk.example');
  expect(status).toBe(303);
  const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
  const page = await fetch(board, { headers: { cookie } });
  expect(page.url).toBe(`${board}/manage/`);
  expect(await page.text()).toContain('<div id="root">');
  const { queues } = (await (await fetch(`${board}/manage/api/queues`, { headers: { cookie } })).json()) as {
    queues: { name: string; hasWorkers: boolean }[];
  };
  expect(queues).toContainEqual(expect.objectContaining({ name: 'events.order.catalog', hasWorkers: true }));
});

it('nobody else gets to the board, and nobody at all from the public port', async () => {
  for (const email of ['customer@souk.example', 'orders@souk.example']) {
    const { status, headers } = await signIn(email);
    expect([status, headers.get('set-cookie')]).toEqual([403, null]);
  }
  expect((await fetch(`${board}/manage/api/queues`)).status).toBe(401);
  expect((await fetch(new URL('/jobs', gatewayUrl))).status).toBe(404);
});
