import { afterAll, beforeAll } from 'vitest';
import { type SecondGateway, startSecondGateway } from '../two-gateways.ts';
import { describeAttacks } from './attack.ts';
import { pages } from './pages.ts';
import { newAddress, rateLimits } from './rate-limits.ts';
import { runsRegisteredOnly, safelist } from './safelist.ts';
import { type Scene, setScene } from './scene.ts';
import { type StrictGateway, startStrictGateway } from './strict-gateway.ts';
import { tokens } from './tokens.ts';

/** At gateways set as in production: one that is strict with clients, and one with what they ask. */

let scene: Scene;
let gateway: StrictGateway;
let safelisted: SecondGateway;
beforeAll(async () => {
  [scene, gateway, safelisted] = await Promise.all([
    setScene(),
    startStrictGateway(),
    startSecondGateway(runsRegisteredOnly),
  ]);
});
afterAll(() => Promise.all([gateway?.close(), safelisted?.child.stop()]));

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
describeAttacks(
  'safelist: somebody sends',
  safelist(() => safelisted),
  {
    ...there,
    // Where a text of one's own is run, in the same process.
    innocent: () => ({ url: safelisted.adminUrl, metricsUrl: safelisted.metricsUrl }),
  },
);
