import { SoukError } from '@souk/platform/errors';
import { createCounter } from '@souk/platform/metrics';

export type LimitName = 'instance' | 'address' | 'root-field' | 'connections';

const decisions = createCounter({
  name: 'souk_limit_decisions_total',
  help: 'What the limits at the door let in and what they refused.',
  labelNames: ['limit', 'outcome'],
});

export function countDecision(limit: LimitName, outcome: 'allowed' | 'refused'): void {
  decisions.labels(limit, outcome).inc();
}

/** A refusal that tells the client when to come again and nothing of the limit, which only the log and the metrics hear of. */
export class RateLimited extends SoukError {
  readonly limit: LimitName;

  constructor(limit: LimitName, message: string, retryAfterMs: number) {
    super('RATE_LIMITED', message, { retryable: true, retryAfterMs: Math.ceil(retryAfterMs) });
    this.limit = limit;
  }
}
