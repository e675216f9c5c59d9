/**
 * Whoever moves the money, seen from the shop. An implementation translates between these words and the provider's own.
 *
 * The payment's and the refund's id are the provider's idempotency keys: the same call made twice acts once.
 * Every call may throw a ProviderFailure.
 */
export interface PaymentProvider {
  readonly name: ProviderName;
  /** Name to show. */
  readonly label: string;
  /** True when no real money moves. */
  readonly isTestMode: boolean;
  /** Whose books its charges are in. Those that share an account find each other's charges in their lists. */
  readonly account: string;
  /** What the customer has to give besides the order. */
  readonly needs: 'testCard' | 'returnUrl' | null;
  supports(currencyCode: string): boolean;
  /** Takes the money, or begins to; with REQUIRES_ACTION the rest is up to the customer. */
  charge(request: ChargeRequest): Promise<Charge>;
  /** How a payment stands; null when the provider has never heard of it. */
  find(payment: PaymentAtProvider): Promise<Charge | null>;
  /**
   * Calls a payment off and answers how it stands then: CANCELED, or whatever outran it. After CANCELED, a charge of the same payment that is
   * still on its way takes no money; where a provider cannot promise that, money that comes all the same is sent back like any that is too late.
   */
  cancel(payment: PaymentAtProvider): Promise<Charge>;
  /** Sends money back. */
  refund(request: RefundRequest): Promise<RefundOutcome>;
  /** Everything begun within [from, to), by the provider's own record. */
  list(span: { from: Date; to: Date }): AsyncIterable<ListedCharge>;
  /** How the provider reports on its own accord. */
  readonly webhook: WebhookReader;
  close(): Promise<void>;
}

export type ProviderName = 'TEST_CARD' | 'STRIPE' | 'ALIPAY_PAGE' | 'ALIPAY_QR';
export type Providers = ReadonlyMap<ProviderName, PaymentProvider>;

export interface Card {
  number: string;
  expiryMonth: number;
  expiryYear: number;
  securityCode: string;
}

export interface ChargeRequest {
  paymentId: string;
  /** What the customer reads at the provider's. */
  orderNumber: string;
  amountMinor: bigint;
  currencyCode: string;
  /** Until when the customer may act. */
  expiresAt: Date | null;
  /** Where the customer comes back to, for who needs it. */
  returnUrl: string | null;
  /** For who needs it. Passed on, never stored and never logged. */
  card: Card | null;
}

/** A payment by the names that both sides have for it. */
export interface PaymentAtProvider {
  paymentId: string;
  /** The provider's own number; null while we do not know it. */
  reference: string | null;
}

/** How a payment stands at the provider. */
export interface Charge {
  status: 'REQUIRES_ACTION' | 'PROCESSING' | 'CAPTURED' | 'DECLINED' | 'CANCELED';
  /** The provider's own number for it; null when there never was a charge. */
  reference: string | null;
  amountMinor: bigint;
  currencyCode: string;
  /** Why, with DECLINED. */
  failure: Failure | null;
  /** What the customer has to do, with REQUIRES_ACTION, where the provider says it. */
  nextAction?: NextAction;
}

/** A line of the provider's own record. */
export interface ListedCharge {
  /** The id that came with the charge, if one did; it need not be ours. */
  paymentId: string | null;
  reference: string | null;
  /** Whether money was taken, also when it went back since. */
  isPaid: boolean;
  amountMinor: bigint;
  currencyCode: string;
  /** What went back of it. */
  refundedMinor: bigint;
}

/** What a customer does to complete a payment. */
export type NextAction =
  | { kind: 'REDIRECT'; url: string }
  | { kind: 'QR_CODE'; payload: string }
  /** The secret opens this one payment to whoever has it: shown to who pays, never stored and never logged. */
  | { kind: 'CLIENT_SECRET'; clientSecret: string; publishableKey: string };

export interface Failure {
  /** The provider's code. */
  code: string;
  /** One English sentence for the customer. */
  message: string;
  isRetryable: boolean;
}

export interface RefundRequest extends PaymentAtProvider {
  refundId: string;
  amountMinor: bigint;
  currencyCode: string;
}

/** What the provider made of a refund; FAILED is for good. */
export type RefundOutcome = { status: 'PENDING' | 'SUCCEEDED' } | { status: 'FAILED'; failure: string };

export interface WebhookReader {
  /** Last part of the path that the provider posts to. */
  readonly path: string;
  /**
   * Proves that a request comes from the provider and speaks of our account, then reads it.
   *
   * @returns null for what is none of our concern
   * @throws {ForgedWebhook} when it cannot be proved
   */
  read(headers: Readonly<Record<string, string | string[] | undefined>>, body: Buffer): ProviderEvent | null;
  /** What the provider wants to hear when a report has arrived. */
  readonly acknowledgement: { type: string; body: string };
}

export interface ProviderEvent {
  /** The provider's id of the event; the same in every repetition. */
  id: string;
  paymentId: string;
  charge: Charge;
}

export class ForgedWebhook extends Error {
  override readonly name = 'ForgedWebhook';
}

/**
 * The provider did not do as asked. With `not-done`, nothing happened there, for certain. With `unknown`, nobody knows: the request may have
 * been carried out, so the outcome has to be looked up before anything is undone or done again under another id.
 */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly outcome: 'not-done' | 'unknown';

  constructor(outcome: ProviderFailure['outcome'], message: string, cause?: unknown) {
    super(message, { cause });
    this.outcome = outcome;
  }
}
