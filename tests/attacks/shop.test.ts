import { beforeAll, inject } from 'vitest';
import { describeAttacks } from './attack.ts';
import { belongings } from './business-rules/belongings.ts';
import { changes } from './business-rules/changes.ts';
import { payments } from './business-rules/payments.ts';
import { prices } from './business-rules/prices.ts';
import { quantities } from './business-rules/quantities.ts';
import { refunds } from './business-rules/refunds.ts';
import { federation } from './federation.ts';
import { injection } from './injection.ts';
import { type Scene, setScene } from './scene.ts';
import { typedTexts } from './typed-texts.ts';
import { uploads } from './uploads.ts';
import { webhooks } from './webhooks.ts';

const businessRules = [...quantities, ...prices, ...belongings, ...payments, ...refunds, ...changes];

let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
});

const { gatewayUrl: url, metricsUrls } = inject('shop');
const there = { scene: () => scene, innocent: () => ({ url, metricsUrl: metricsUrls.gateway }) };

describeAttacks('business rules: somebody tries', businessRules, there);
describeAttacks('webhooks: somebody sends', webhooks, there);
describeAttacks('federation: somebody tries', federation, there);
describeAttacks('uploads: somebody tries', uploads, there);
describeAttacks('injection: somebody tries', injection, there);
describeAttacks('typed texts: somebody tries', typedTexts, there);
