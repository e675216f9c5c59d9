import type { Database } from '@souk/platform/database';
import { typeOfId } from '@souk/platform/id';
import type { Logger } from '@souk/platform/logger';
import type { FastifyInstance } from 'fastify';
import { keepEvent, processEvent } from './provider-event.ts';
import { ForgedWebhook, type PaymentProvider, type ProviderEvent, type Providers } from './providers/provider.ts';

const BODY_LIMIT_BYTES = 64 * 1024;

/**
 * Where providers report: `POST /webhooks/<provider>`. No assertion is asked for here; the provider's own signature over the raw body proves who speaks.
 * A report is kept, acknowledged, and only then acted upon, so that a provider never waits for us and what it said is never lost.
 */
export function addWebhooks(
  app: FastifyInstance,
  { db, providers, log }: { db: Database; providers: Providers; log: Logger },
): void {
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    for (const provider of providers.values()) {
      scope.post(`/webhooks/${provider.webhook.path}`, async (request, reply) => {
        const event = read(provider, request.headers, request.body, log);
        if (event && 'refusal' in event) return reply.code(event.refusal).send({});
        // Providers also tell of payments that others make with the same account.
        const isOurs = event !== null && typeOfId(event.paymentId) === 'Payment';
        if (isOurs && (await keepEvent(db, provider.name, event))) {
          processEvent(db, log, provider.name, event.id).catch((error: unknown) =>
            log.warn({ err: error, eventId: event.id }, 'provider event will be processed later'),
          );
        }
        return reply.code(200).type(provider.webhook.acknowledgement.type).send(provider.webhook.acknowledgement.body);
      });
    }
  });
}

function read(
  provider: PaymentProvider,
  headers: Record<string, string | string[] | undefined>,
  body: unknown,
  log: Logger,
): ProviderEvent | { refusal: number } | null {
  try {
    return provider.webhook.read(headers, Buffer.isBuffer(body) ? body : Buffer.alloc(0));
  } catch (error) {
    const isForged = error instanceof ForgedWebhook;
    log.warn({ provider: provider.name, reason: isForged ? error.message : 'unreadable' }, 'webhook refused');
    return { refusal: isForged ? 401 : 400 };
  }
}
