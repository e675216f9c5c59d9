import { createHmac, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@souk/platform/logger';
import { request } from 'undici';
import type { Charge } from './charges.ts';
import { describeCharge } from './server.ts';

/** After the first try; then the shop has to look for itself, as with any provider. */
const RETRY_DELAYS_MS = [500, 2_000, 10_000, 60_000];
const TIMEOUT_MS = 5_000;

/**
 * Tells the shop about a charge whose state changed. Each event has an id of its own, the same in every retry, and is signed:
 * `souk-signature: t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`.
 */
export function createReporter({ url, secret, logger }: { url: string; secret: string; logger: Logger }) {
  const stopping = new AbortController();

  async function deliver(body: string): Promise<void> {
    for (const pauseMs of [0, ...RETRY_DELAYS_MS]) {
      await delay(pauseMs, undefined, { signal: stopping.signal });
      try {
        const headers = { 'content-type': 'application/json', 'souk-signature': sign(body, secret) };
        const answer = await request(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
        await answer.body.dump();
        if (answer.statusCode < 300) return;
        logger.warn({ status: answer.statusCode }, 'webhook refused');
      } catch (error) {
        logger.warn({ err: error }, 'webhook not delivered');
      }
    }
  }

  return {
    report(charge: Charge): void {
      const event = { id: `evt_${randomUUID()}`, type: 'charge.updated', charge: describeCharge(charge) };
      deliver(JSON.stringify(event)).catch(() => {});
    },
    stop: () => stopping.abort(),
  };
}

export function sign(body: string, secret: string, atSeconds = Math.floor(Date.now() / 1000)): string {
  return `t=${atSeconds},v1=${createHmac('sha256', secret).update(`${atSeconds}.${body}`).digest('hex')}`;
}
