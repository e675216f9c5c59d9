import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Rig } from '../rig.ts';
import type { Rows } from './rows.ts';

/** Takes in what the provider of test cards reports, as it signed it, until a test passes it on to the shop. */
export interface Postbox {
  /** What the provider is told as WEBHOOK_URL. */
  url: string;
  /** Delivers the first report that calls a payment this. Resolves when the shop has acknowledged it; it is acted upon afterwards. */
  deliver(rig: Rig, paymentId: string, status?: string): Promise<{ eventId: string }>;
  close(): Promise<void>;
}

interface Report {
  body: string;
  signature: string;
  eventId: string;
  paymentId: string;
  status: string;
}

export async function openPostbox(): Promise<Postbox> {
  const reports: Report[] = [];
  let arrived = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    const { id, charge } = JSON.parse(body) as { id: string; charge: { paymentId: string; status: string } };
    reports.push({ body, signature: String(request.headers['souk-signature']), eventId: id, ...charge });
    response.end();
    arrived.resolve();
    arrived = Promise.withResolvers();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  async function reportOf(paymentId: string, status: string): Promise<Report> {
    for (;;) {
      const found = reports.find((report) => report.paymentId === paymentId && report.status === status);
      if (found) return found;
      await arrived.promise;
    }
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async deliver(rig, paymentId, status = 'SUCCEEDED') {
      const { body, signature, eventId } = await reportOf(paymentId, status);
      const headers = { 'content-type': 'application/json', 'souk-signature': signature };
      const answer = await fetch(`${rig.shop.services.payment.url}/webhooks/test-card`, {
        method: 'POST',
        headers,
        body,
      });
      if (!answer.ok) throw new Error(`Expected the report to be acknowledged, got ${answer.status}.`);
      return { eventId };
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What came of a report once the shop has acted upon it. */
export async function outcomeOf(rows: Rows, eventId: string): Promise<string> {
  const sql = 'SELECT outcome FROM souk_payment.provider_events WHERE event_id = ? AND processed_at IS NOT NULL';
  return (await rows.until<{ outcome: string }>(sql, [eventId])).outcome;
}
