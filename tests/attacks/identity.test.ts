import { beforeAll, inject } from 'vitest';
import { describeAttacks } from './attack.ts';
import { accounts } from './credentials/accounts.ts';
import { enumeration } from './credentials/enumeration.ts';
import { guessing } from './credentials/guessing.ts';
import { links } from './credentials/links.ts';
import { type Scene, setScene } from './scene.ts';
import { sessions } from './sessions.ts';

const credentials = [...guessing, ...enumeration, ...links, ...accounts];

let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
});

const { gatewayUrl: url, metricsUrls } = inject('shop');
const there = { scene: () => scene, innocent: () => ({ url, metricsUrl: metricsUrls.gateway }) };

describeAttacks('sessions: somebody tries', sessions, there);
describeAttacks('credentials: somebody tries', credentials, there);
