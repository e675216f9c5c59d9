import { SoukError } from '@souk/platform/errors';
import type { Logger } from '@souk/platform/logger';
import { type NextAction, ProviderFailure, type Providers } from './providers/provider.ts';
import type { PaymentRow } from './tables.ts';

/**
 * What the customer has to do to complete a payment; null when there is nothing left to do. A secret is not kept here: it is asked of the provider
 * each time somebody may see it.
 *
 * @throws {SoukError} SUBGRAPH_UNAVAILABLE, retryable, when the provider does not answer
 */
export async function nextActionOf(
  { providers, log }: { providers: Providers; log: Logger },
  { id: paymentId, status, provider, nextAction, providerReference: reference }: PaymentRow,
): Promise<NextAction | null> {
  if (status !== 'REQUIRES_ACTION' || !nextAction) return null;
  if (nextAction.kind !== 'CLIENT_SECRET') return nextAction;
  try {
    const charge = await providers.get(provider)?.find({ paymentId, reference });
    return charge?.nextAction ?? null;
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    log.warn({ err: error, paymentId }, 'next action not learnt');
    throw new SoukError('SUBGRAPH_UNAVAILABLE', 'The provider cannot be reached just now.', { retryable: true });
  }
}
