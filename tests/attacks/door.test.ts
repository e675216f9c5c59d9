import { beforeAll, inject } from 'vitest';
import { describeAttacks } from './attack.ts';
import { documents } from './documents.ts';
import { http } from './http.ts';
import { limits } from './limits.ts';
import { names } from './names.ts';
import { type Scene, setScene } from './scene.ts';
import { slowClients } from './slow-clients.ts';
import { sockets } from './sockets.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await setScene();
});

const { gatewayUrl: url, metricsUrls } = inject('shop');
const atTheDoor = { scene: () => scene, innocent: () => ({ url, metricsUrl: metricsUrls.gateway }) };

describeAttacks('HTTP: somebody tries', http, atTheDoor);
describeAttacks('sockets: somebody tries', sockets, atTheDoor);
describeAttacks('documents: somebody tries', documents, atTheDoor);
describeAttacks('names: somebody tries', names, atTheDoor);
describeAttacks('limits: somebody tries', limits, atTheDoor);
describeAttacks('slow clients: somebody tries', slowClients, atTheDoor);
