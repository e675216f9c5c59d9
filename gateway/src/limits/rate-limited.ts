import { SoukError } from '@souk/platform/errors';
import { Counter } from 'prom-client';

export type LimitName = 'instance' | 'address' | 'root-field';

const decisions = new Counter({
  name: 'souk_limit_decisions_total',
  help: 'What the limits at the door let in and what they refused.',
  labelNames: ['limit', 'outcome'],
});

export function countDecision(limit: LimitName, outcome: 'allowed' | 'refused'): void {
  decisions.inc({ limit, outcome });
}

/** A refusal that says when to come again, and nothing of the limit. */
export function rateLimited(message: string, retryAfterMs: number): SoukError {
  return new SoukError('RATE_LIMITED', message, { retryable: true, retryAfterMs: Math.ceil(retryAfterMs) });
}
