import { randomUUID } from 'node:crypto';
import { type CardBehaviour, type ChargeFailure, testCards, unknownCard } from './cards.ts';
import type { Fact, ProviderLog } from './log.ts';

/** One attempt to take money, known by the id of the shop's payment, and what became of it. */
export interface Charge {
  paymentId: string;
  /** The provider's own number; null when the payment was canceled before there was a charge. */
  chargeId: string | null;
  status: 'PROCESSING' | 'SUCCEEDED' | 'DECLINED' | 'CANCELED';
  amountMinor: bigint;
  currencyCode: string;
  cardLast4: string;
  outcome: CardBehaviour['outcome'];
  approvesAt: Date | null;
  failure: ChargeFailure | null;
  /** Amount by the id of the shop's refund. */
  refunds: Map<string, bigint>;
  createdAt: Date;
}

export interface ChargeRequest {
  paymentId: string;
  amountMinor: bigint;
  currencyCode: string;
  cardNumber: string;
}

/** A request that contradicts what was already done; `code` is for programs. */
export class Conflict extends Error {
  override readonly name = 'Conflict';
  readonly code: 'key_reused' | 'refund_exceeds_charge' | 'not_refundable';

  constructor(code: Conflict['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface Charges {
  /** Takes the money, once for each payment: asked again, it answers with what became of the first time. */
  charge(request: ChargeRequest): Promise<Charge>;
  /** Calls a charge off unless it is settled. A payment without a charge is barred from ever being charged. */
  cancel(paymentId: string): Promise<Charge>;
  /** Sends money back, once for each refund. */
  refund(refund: { paymentId: string; refundId: string; amountMinor: bigint }): Promise<Charge>;
  find(paymentId: string): Promise<Charge | undefined>;
  /** The charges begun within [from, to), in the order they were begun; with `after`, those behind the charge of that payment. */
  list(span: { from: Date; to: Date | null; after: string | null }, limit: number): Promise<Charge[]>;
  stop(): void;
}

/**
 * The provider's books: state in memory, rebuilt from the log. A change is made at once, so that requests at the same time see each other,
 * and answered only when its fact is on disk.
 *
 * @param report called with a charge whose state changed on disk, to tell the shop
 */
export function openCharges(options: {
  log: ProviderLog;
  approvalDelayMs: number;
  lateApprovalMs: number;
  report: (charge: Charge) => void;
}): Charges {
  const { log, approvalDelayMs, lateApprovalMs, report } = options;
  const charges = new Map<string, Charge>();
  const timers = new Set<NodeJS.Timeout>();
  for (const fact of log.facts) apply(charges, fact);
  for (const charge of charges.values()) awaitApproval(charge);

  async function record(paymentId: string, ...facts: Fact[]): Promise<Charge> {
    for (const fact of facts) apply(charges, fact);
    const charge = charges.get(paymentId) as Charge;
    await log.append(...facts);
    if (charge.outcome !== 'APPROVE_SILENTLY') report(charge);
    return charge;
  }

  function awaitApproval(charge: Charge): void {
    if (!charge.approvesAt || !isApprovable(charge)) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (isApprovable(charge))
        void record(charge.paymentId, { ...at(), type: 'charge.approved', paymentId: charge.paymentId });
    }, charge.approvesAt.getTime() - Date.now());
    timers.add(timer);
  }

  async function known(charge: Charge): Promise<Charge> {
    await log.flushed();
    return charge;
  }

  return {
    async charge({ paymentId, amountMinor, currencyCode, cardNumber }) {
      const earlier = charges.get(paymentId);
      if (earlier) {
        const isSame = earlier.amountMinor === amountMinor && earlier.currencyCode === currencyCode;
        if (earlier.chargeId && !isSame)
          throw new Conflict('key_reused', 'This payment was charged with another amount.');
        return known(earlier);
      }
      const { outcome, failure } = testCards[cardNumber] ?? unknownCard;
      const delayMs = { APPROVE_DELAYED: approvalDelayMs, APPROVE_LATE: lateApprovalMs }[outcome as string];
      const created: Fact = {
        ...at(),
        type: 'charge.created',
        paymentId,
        chargeId: `tc_${randomUUID().replaceAll('-', '')}`,
        amountMinor: String(amountMinor),
        currencyCode,
        cardLast4: cardNumber.slice(-4),
        outcome,
        approvesAt: delayMs === undefined ? null : new Date(Date.now() + delayMs).toISOString(),
      };
      if (failure) return record(paymentId, created, { ...at(), type: 'charge.declined', paymentId, failure });
      if (delayMs === undefined) return record(paymentId, created, { ...at(), type: 'charge.approved', paymentId });
      const charge = await record(paymentId, created);
      awaitApproval(charge);
      return charge;
    },

    async cancel(paymentId) {
      const charge = charges.get(paymentId);
      if (charge && charge.status !== 'PROCESSING') return known(charge);
      return record(paymentId, { ...at(), type: 'charge.canceled', paymentId });
    },

    async refund({ paymentId, refundId, amountMinor }) {
      const charge = charges.get(paymentId);
      const earlier = charge?.refunds.get(refundId);
      if (charge && earlier !== undefined) {
        if (earlier !== amountMinor) throw new Conflict('key_reused', 'This refund was made with another amount.');
        return known(charge);
      }
      if (charge?.status !== 'SUCCEEDED')
        throw new Conflict('not_refundable', 'No money was taken that could go back.');
      if (refundedOf(charge) + amountMinor > charge.amountMinor) {
        throw new Conflict('refund_exceeds_charge', 'More would go back than was taken.');
      }
      return record(paymentId, {
        ...at(),
        type: 'refund.succeeded',
        paymentId,
        refundId,
        amountMinor: String(amountMinor),
      });
    },

    async find(paymentId) {
      await log.flushed();
      return charges.get(paymentId);
    },

    async list({ from, to, after }, limit) {
      await log.flushed();
      const found = [...charges.values()].filter(({ createdAt }) => createdAt >= from && (!to || createdAt < to));
      const start = after === null ? 0 : found.findIndex(({ paymentId }) => paymentId === after) + 1;
      return found.slice(start, start + limit);
    },

    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

export function refundedOf(charge: Charge): bigint {
  return [...charge.refunds.values()].reduce((total, amountMinor) => total + amountMinor, 0n);
}

function isApprovable({ status, outcome }: Charge): boolean {
  return status === 'PROCESSING' || (status === 'CANCELED' && outcome === 'APPROVE_LATE');
}

function at(): { at: string } {
  return { at: new Date().toISOString() };
}

/** The one place where state changes, the same for a fact just made and for one read from the log. */
function apply(charges: Map<string, Charge>, fact: Fact): void {
  const charge = charges.get(fact.paymentId);
  switch (fact.type) {
    case 'charge.created':
      charges.set(fact.paymentId, {
        ...empty(fact),
        chargeId: fact.chargeId,
        status: 'PROCESSING',
        amountMinor: BigInt(fact.amountMinor),
        currencyCode: fact.currencyCode,
        cardLast4: fact.cardLast4,
        outcome: fact.outcome,
        approvesAt: fact.approvesAt === null ? null : new Date(fact.approvesAt),
      });
      break;
    case 'charge.approved':
      if (charge) charge.status = 'SUCCEEDED';
      break;
    case 'charge.declined':
      if (charge) Object.assign(charge, { status: 'DECLINED', failure: fact.failure });
      break;
    case 'charge.canceled':
      if (charge) charge.status = 'CANCELED';
      else charges.set(fact.paymentId, empty(fact));
      break;
    case 'refund.succeeded':
      charge?.refunds.set(fact.refundId, BigInt(fact.amountMinor));
      break;
  }
}

/** What is known of a payment that was canceled before it was charged. */
function empty({ paymentId, at }: Fact): Charge {
  return {
    paymentId,
    chargeId: null,
    status: 'CANCELED',
    amountMinor: 0n,
    currencyCode: '',
    cardLast4: '',
    outcome: 'APPROVE',
    approvesAt: null,
    failure: null,
    refunds: new Map(),
    createdAt: new Date(at),
  };
}
