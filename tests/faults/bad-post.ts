import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '@souk/dev/seed/random';
import type { Rig } from './rig.ts';

/** A post office between the provider of test cards and the shop. It always says that it has delivered, and does so never, twice, late, or as it should. */
export interface BadPost extends AsyncDisposable {
  /** What the provider is told as WEBHOOK_URL. */
  url: string;
  told: Record<'written' | 'lost' | 'doubled' | 'delayed', number>;
  /** Resolves when the provider has reported that it took the money of a payment, whatever became of the letter. */
  wrote(paymentId: string): Promise<void>;
  /** Resolves when no letter is under way. */
  quiet(): Promise<void>;
}

const MAX_DELAY_MS = 3_000;

export async function openBadPost(rig: Rig, random: Random): Promise<BadPost> {
  const told = { written: 0, lost: 0, doubled: 0, delayed: 0 };
  const taken = new Map<string, PromiseWithResolvers<void>>();
  const takenOf = (paymentId: string) => {
    const known = taken.get(paymentId) ?? Promise.withResolvers<void>();
    taken.set(paymentId, known);
    return known;
  };
  const underWay = new Set<Promise<void>>();

  async function forward(headers: IncomingMessage['headers'], body: string): Promise<void> {
    told.written++;
    const fate = random.integer(1, 100);
    if (fate <= 20) {
      told.lost++;
      return;
    }
    if (fate <= 50) {
      told.delayed++;
      await delay(random.integer(1, MAX_DELAY_MS));
    }
    const copies = fate <= 50 || fate > 70 ? 1 : 2;
    if (copies > 1) told.doubled++;
    await Promise.all(
      Array.from({ length: copies }, async () => {
        const answer = await fetch(`${rig.shop.services.payment.url}/webhooks/test-card`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'souk-signature': String(headers['souk-signature']) },
          body,
        });
        await answer.text();
      }),
    );
  }

  const server = createServer(async (request, response) => {
    const body = await text(request);
    response.end();
    const { charge } = JSON.parse(body) as { charge: { paymentId: string; status: string } };
    if (charge.status === 'SUCCEEDED') takenOf(charge.paymentId).resolve();
    const forwarding = forward(request.headers, body)
      // A shop that does not answer has not got it: one more that is lost.
      .catch(() => void told.lost++)
      .finally(() => underWay.delete(forwarding));
    underWay.add(forwarding);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function quiet(): Promise<void> {
    while (underWay.size > 0) await Promise.all(underWay);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    told,
    wrote: (paymentId) => takenOf(paymentId).promise,
    quiet,
    async [Symbol.asyncDispose]() {
      await quiet();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
