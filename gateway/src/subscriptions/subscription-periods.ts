/** How long is waited for clients with subscriptions, in milliseconds. */
export interface SubscriptionPeriods {
  /**
   * How often a client is written to. A proxy closes what is silent for long, and a client that is gone shows only when it is written to. A WebSocket has as
   * long again to answer: one that does not read does not hear the question.
   */
  pingEveryMs: number;
  /** A client that has not read one result of a stream in this time is let go. */
  stalledAfterMs: number;
  /** Clients of a gateway that stops come to another one within this time, each at another moment. */
  comeBackWithinMs: number;
  /** A client that was told that its connection ends has as long to end it, too. Then this side cuts it off: a gateway that stops does not wait. */
  goodbyeMs: number;
}

export const defaultSubscriptionPeriods: SubscriptionPeriods = {
  pingEveryMs: 12_000,
  stalledAfterMs: 30_000,
  comeBackWithinMs: 2_000,
  goodbyeMs: 2_000,
};
