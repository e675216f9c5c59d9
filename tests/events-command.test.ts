import { runEventCommand } from '@souk/dev/event-command';
import { expect, inject, it } from 'vitest';

it('npm run events finds the shop that runs here, and each way an event can take', async () => {
  const { text } = await runEventCommand(['--json'], { SOUK_FOLDER: inject('shop').folder });
  const { routes } = JSON.parse(text) as { routes: { producer: string; listener: string }[] };
  expect(routes.map(({ producer, listener }) => `${producer} → ${listener}`).sort()).toEqual([
    'catalog → cart',
    'order → cart',
    'order → catalog',
    'order → gateway',
    'order → payment',
    'payment → gateway',
    'payment → order',
    'user → cart',
  ]);
});
