import { setTimeout as delay } from 'node:timers/promises';
import { expect, inject } from 'vitest';
import type { Attack } from './attack.ts';
import { listen, open } from './raw-socket.ts';
import type { Reply } from './reply.ts';

const { gatewayUrl } = inject('shop');
const HEAD = 'POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n';
const CLIENTS = 100;
/** A while longer than the gateway waits for headers. */
const LONGEST_MS = 20_000;

/** Many clients that each send a header now and then, and never come to an end. */
async function dribble(): Promise<Reply> {
  const startedAt = performance.now();
  const replies = await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      const socket = await open(gatewayUrl);
      const heard = listen(socket);
      socket.write(HEAD);
      let isOver = false;
      void heard.then(() => {
        isOver = true;
      });
      for (let count = 0; !isOver; count++) {
        socket.write(`x-slow-${count}: x\r\n`);
        await Promise.race([delay(1_000), heard]);
      }
      return heard;
    }),
  );
  expect(new Set(replies.map(({ connection }) => connection?.isClosed))).toEqual(new Set([true]));
  expect(performance.now() - startedAt).toBeLessThan(LONGEST_MS);
  return replies[0] as Reply;
}

export const slowClients: Attack[] = [
  {
    tries: `to keep ${CLIENTS} connections by sending a header each second`,
    request: dribble,
    answer: { status: 408, code: 'BAD_USER_INPUT' },
  },
];
