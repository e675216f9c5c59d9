import { SoukError } from '@souk/platform/errors';
import type { GraphQLFormattedError } from 'graphql';
import { formatError } from '../errors.ts';
import { requestScope } from '../request-scope.ts';

/** A subscription is over, or does not begin, for a reason that its client is told. */
export class SubscriptionOver extends Error {
  override readonly name = 'SubscriptionOver';
  readonly errors: readonly GraphQLFormattedError[];

  constructor(errors: readonly GraphQLFormattedError[]) {
    super(errors.map(({ message }) => message).join(' '));
    this.errors = errors;
  }
}

/** The same with an error that is thrown elsewhere. Call it in the scope of the request, whose id the client is told. */
export function overBecauseOf(error: unknown): SubscriptionOver {
  if (error instanceof SubscriptionOver) return error;
  if (!(error instanceof SoukError)) requestScope.getStore()?.log().error({ err: error }, 'a subscription failed');
  const extensions = error instanceof SoukError ? error.extensions : {};
  return new SubscriptionOver([formatError({ message: String((error as Error).message), extensions }, error)]);
}
