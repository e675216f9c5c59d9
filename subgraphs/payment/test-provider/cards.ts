/** What happens to a charge, by the number of its card. Every number passes the Luhn check; any other card is declined. */
export const testCards: Readonly<Record<string, CardBehaviour>> = {
  /** Approved at once. */
  '4242424242424242': { outcome: 'APPROVE' },
  /** Declined for good. */
  '4000000000000002': {
    outcome: 'DECLINE',
    failure: { code: 'card_declined', message: 'The card was declined.', isRetryable: false },
  },
  /** Declined for want of money. */
  '4000000000009995': {
    outcome: 'DECLINE',
    failure: { code: 'insufficient_funds', message: 'There is not enough money on the card.', isRetryable: false },
  },
  /** Declined by a passing fault: the same card may work next time. */
  '4000000000000119': {
    outcome: 'DECLINE',
    failure: { code: 'processing_error', message: 'The card could not be read just now.', isRetryable: true },
  },
  /** Answered with PROCESSING, approved shortly after, and reported by webhook. */
  '4000000000000077': { outcome: 'APPROVE_DELAYED' },
  /** Approved at once, but the answer never arrives and no webhook is sent: only a look-up finds out. */
  '4000000000000341': { outcome: 'APPROVE_SILENTLY' },
  /** Answered with PROCESSING and approved when everybody has given up, even when it was canceled in between. */
  '4000000000000259': { outcome: 'APPROVE_LATE' },
};

export interface CardBehaviour {
  outcome: 'APPROVE' | 'DECLINE' | 'APPROVE_DELAYED' | 'APPROVE_SILENTLY' | 'APPROVE_LATE';
  /** Why, with DECLINE. */
  failure?: ChargeFailure;
}

export interface ChargeFailure {
  code: string;
  message: string;
  isRetryable: boolean;
}

/** How a card behaves that is none of the test cards: a real one must never work here. */
export const unknownCard: CardBehaviour = {
  outcome: 'DECLINE',
  failure: { code: 'not_a_test_card', message: 'Only test cards are accepted here.', isRetryable: false },
};
