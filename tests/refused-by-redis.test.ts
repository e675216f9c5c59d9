import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { type Client, newCustomer, send } from './client.ts';
import { type SecondGateway, startSecondGateway } from './two-gateways.ts';

/** A gateway whose operator forgot the password of Redis, or wrote it wrongly. */

const { gatewayUrl, redisUrl, folder } = inject('shop');
let gateway: SecondGateway;

beforeAll(async () => {
  const url = new URL(redisUrl);
  [url.username, url.password] = ['nobody', 'wrong'];
  gateway = await startSecondGateway({ REDIS_URL: url.href });
});
afterAll(() => gateway?.child.stop());

it('gets ready, because the user subgraph tells it whose access is revoked, and answers', async () => {
  const { accessToken } = await newCustomer(gatewayUrl);
  const client: Client = { url: gateway.gatewayUrl, accessToken };
  expect(await send(client, '{ viewer { id } }')).toMatchObject({ data: { viewer: { id: expect.any(String) } } });
  expect(await send({ url: gateway.gatewayUrl }, '{ accessSnapshot }')).toMatchObject({ status: 400 });
});

it('says in its log what is wrong', () => {
  const log = readFileSync(join(folder, 'logs', 'second', 'gateway.log'), 'utf8');
  expect(log).toContain('Redis refuses REDIS_URL: it needs a user and a password');
  expect(log).not.toContain('wrong');
});
