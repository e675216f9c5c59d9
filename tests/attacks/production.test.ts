import { afterAll, beforeAll } from 'vitest';
import { describeAttacks } from './attack.ts';
import { pages } from './pages.ts';
import { newAddress, rateLimits } from './rate-limits.ts';
import { type Scene, setScene } from './scene.ts';
import { type StrictGateway, startStrictGateway } from './strict-gateway.ts';
import { tokens } from './tokens.ts';

/** At a gateway set as in production. */

let scene: Scene;
let gateway: StrictGateway;
beforeAll(async () => {
  [scene, gateway] = await Promise.all([setScene(), startStrictGateway()]);
});
afterAll(() => gateway?.close());

const there = {
  scene: () => scene,
  innocent: () => ({ ...gateway, headers: () => ({ 'x-forwarded-for': newAddress() }) }),
};

describeAttacks(
  'tokens: somebody tries',
  tokens(() => gateway),
  there,
);
describeAttacks(
  'pages and schema: somebody tries',
  pages(() => gateway),
  there,
);
describeAttacks(
  'rates: somebody tries',
  rateLimits(() => gateway),
  there,
);
