import { type FileHandle, open } from 'node:fs/promises';
import type { CardBehaviour, ChargeFailure } from './cards.ts';

/**
 * The provider's append-only log, one JSON object a line: what really happened to the money, told by somebody other than the shop.
 * A fact counts once it is on disk; the provider's whole state is rebuilt from these lines.
 */
export type Fact = { at: string } & (
  | {
      type: 'charge.created';
      paymentId: string;
      chargeId: string;
      amountMinor: string;
      currencyCode: string;
      cardLast4: string;
      outcome: CardBehaviour['outcome'];
      /** When it will be approved; null when a fact that follows at once settles it. */
      approvesAt: string | null;
    }
  | { type: 'charge.approved'; paymentId: string }
  | { type: 'charge.declined'; paymentId: string; failure: ChargeFailure }
  /** Also written for a payment without a charge, which then can never be charged any more. */
  | { type: 'charge.canceled'; paymentId: string }
  | { type: 'refund.succeeded'; paymentId: string; refundId: string; amountMinor: string }
);

export interface ProviderLog {
  /** The facts found at opening, oldest first. */
  facts: readonly Fact[];
  /** Resolves when the facts are on disk. Calls at the same time share one flush. */
  append(...facts: Fact[]): Promise<void>;
  /** Resolves when everything appended so far is on disk. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the log, or begins it. A last line cut off by a crash was never acknowledged to anybody, so it is removed. */
export async function openLog(path: string): Promise<ProviderLog> {
  const file = await open(path, 'a+');
  const facts = await readFacts(file);
  let waiting: string[] = [];
  let flushing: Promise<void> = Promise.resolve();
  let nextFlush: Promise<void> | undefined;

  const flush = async () => {
    nextFlush = undefined;
    const lines = waiting;
    waiting = [];
    await file.appendFile(lines.join(''));
    await file.datasync();
  };

  return {
    facts,
    append(...added) {
      waiting.push(...added.map((fact) => `${JSON.stringify(fact)}\n`));
      nextFlush ??= flushing.then(flush);
      flushing = nextFlush;
      return nextFlush;
    },
    flushed: () => flushing,
    async close() {
      await flushing.catch(() => {});
      await file.close();
    },
  };
}

async function readFacts(file: FileHandle): Promise<Fact[]> {
  const text = (await file.readFile()).toString('utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole));
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Fact);
}
