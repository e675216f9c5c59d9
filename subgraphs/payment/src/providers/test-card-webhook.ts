import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { ForgedWebhook, type WebhookReader } from './provider.ts';
import { testCardCharge } from './test-card-charge.ts';

const TOLERANCE_SECONDS = 300;
const signatureHeader = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/;
const eventBody = z.object({ id: z.string().min(1).max(128), charge: z.object({ paymentId: z.string().max(64) }) });

/**
 * Reads `souk-signature: t=<unix seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in hex>`. Any of the secrets may have signed,
 * so that a new one can be introduced while the old one is still in use.
 */
export function createWebhookReader(secrets: readonly string[]): WebhookReader {
  return {
    path: 'test-card',
    acknowledgement: { type: 'application/json', body: '{}' },
    read(headers, body) {
      const [, at, signature] = signatureHeader.exec(String(headers['souk-signature'])) ?? [];
      if (!at || !signature) throw new ForgedWebhook('Expected the header souk-signature with t and v1.');
      if (Math.abs(Date.now() / 1000 - Number(at)) > TOLERANCE_SECONDS) {
        throw new ForgedWebhook(`Expected a signature made within the last ${TOLERANCE_SECONDS} s.`);
      }
      const isGenuine = secrets.some((secret) => {
        const expected = createHmac('sha256', secret).update(`${at}.`).update(body).digest();
        return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
      });
      if (!isGenuine) throw new ForgedWebhook('The signature does not fit the body.');

      const event: unknown = JSON.parse(body.toString('utf8'));
      const { id, charge } = eventBody.parse(event);
      return { id, paymentId: charge.paymentId, charge: testCardCharge.parse((event as { charge: unknown }).charge) };
    },
  };
}
