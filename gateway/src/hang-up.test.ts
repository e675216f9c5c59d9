import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { hangUpOf } from './hang-up.ts';

const app = fastify({ forceCloseConnections: true });
afterEach(() => app.close());

describe('a client', () => {
  it('hangs up before its answer, and not with it', async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<AbortSignal>();
    const { promise: hungUp, resolve: end } = Promise.withResolvers<void>();
    let answered: AbortSignal | undefined;
    app.get('/answer', (_request, reply) => {
      answered = hangUpOf(reply);
      return reply.send('here');
    });
    app.get('/wait', (_request, reply) => {
      const signal = hangUpOf(reply);
      signal.addEventListener('abort', () => end());
      arrive(signal);
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;

    const answer = await fetch(`http://127.0.0.1:${port}/answer`, { headers: { connection: 'close' } });
    expect(await answer.text()).toBe('here');

    const client = new AbortController();
    const waiting = fetch(`http://127.0.0.1:${port}/wait`, { signal: client.signal });
    expect((await arrived).aborted).toBe(false);
    client.abort();
    await expect(waiting).rejects.toThrow();
    await hungUp;
    expect(answered?.aborted).toBe(false);
  });
});
