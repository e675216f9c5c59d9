import { timingSafeEqual } from 'node:crypto';
import type { AlipaySdk } from 'alipay-sdk';
import { z } from 'zod';
import { chargeOf, trade } from './alipay-trade.ts';
import { ForgedWebhook, type WebhookReader } from './provider.ts';

const notification = trade.extend({ notify_id: z.string().min(1).max(128), notify_type: z.string() });

/**
 * Reads a notification: a form whose fields, sorted and joined, are signed by Alipay with RSA2. It has to be about our app and our account; amount
 * and payment are compared when it is acted upon. Alipay repeats one for 25 hours with the same id, so its age says nothing: a repetition is known
 * by its id.
 *
 * Rule: https://opendocs.alipay.com/open/270/105902
 *
 * @param path differs by product: a notification about one is not believed about the other
 */
export function createNotifyReader(
  sdk: AlipaySdk,
  { path, appId, sellerId }: { path: string; appId: string; sellerId: string },
): WebhookReader {
  return {
    path,
    acknowledgement: { type: 'text/plain', body: 'success' },
    read(_headers, body) {
      const fields = readForm(body);
      // The form says itself how it was signed, and the library would believe the older, weaker way.
      if (fields['sign_type'] !== 'RSA2') throw new ForgedWebhook('Expected a form signed with RSA2.');
      if (!sdk.checkNotifySignV2(fields)) throw new ForgedWebhook('The signature does not fit the form.');
      if (!isSame(fields['app_id'], appId)) throw new ForgedWebhook('The form is about another app.');
      if (!isSame(fields['seller_id'], sellerId)) throw new ForgedWebhook('The form is about another account.');

      const { notify_id: id, notify_type: type, ...about } = notification.parse(fields);
      return type === 'trade_status_sync' ? { id, paymentId: about.out_trade_no, charge: chargeOf(about) } : null;
    },
  };
}

/** A name that comes twice could mean one thing to whoever verifies it and another to whoever acts. */
function readForm(body: Buffer): Record<string, string> {
  const pairs = [...new URLSearchParams(body.toString('utf8'))];
  const fields = Object.fromEntries(pairs);
  if (Object.keys(fields).length !== pairs.length) throw new ForgedWebhook('Expected each field once.');
  return fields;
}

function isSame(given: string | undefined, expected: string): boolean {
  const [one, other] = [Buffer.from(given ?? ''), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}
