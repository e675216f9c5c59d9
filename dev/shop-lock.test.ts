import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { askRunningShop, claimFolder } from './shop-lock.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'souk-lock-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const shop = { pid: 42, gatewayUrl: 'http://127.0.0.1:4000/graphql' };

it('a folder holds one shop at a time, and the second is told where the first runs', async () => {
  const claim = await claimFolder(folder, shop);
  expect(await askRunningShop(folder)).toEqual(shop);
  await expect(claimFolder(folder, shop)).rejects.toThrow(
    'A shop is running already at http://127.0.0.1:4000/graphql: stop it with Ctrl-C where it was started, or with "kill 42".',
  );
  await claim.release();
  expect(await askRunningShop(folder)).toBeUndefined();
});

it('a shop that was killed does not block its folder', async () => {
  writeFileSync(join(folder, 'shop.sock'), '');
  const claim = await claimFolder(folder, shop);
  await claim.release();
});
