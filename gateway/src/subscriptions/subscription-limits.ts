/** How many connections and subscriptions one gateway holds. Its memory is what they take, so each gateway counts its own. */
export interface SubscriptionLimits {
  /** Connections with subscriptions, all together. */
  connections: number;
  /** Those from one IPv4 address or one IPv6 /64 network. */
  connectionsPerAddress: number;
  /** Those of one user. */
  connectionsPerUser: number;
  /** Subscriptions on one WebSocket; a stream of events is one by itself. */
  subscriptionsPerConnection: number;
}

export const defaultSubscriptionLimits: SubscriptionLimits = {
  connections: 5_000,
  connectionsPerAddress: 500,
  connectionsPerUser: 50,
  subscriptionsPerConnection: 50,
};
