import { withoutDeadline } from '@souk/platform/deadline';
import type { Signer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import { createPeer } from '@souk/platform/peer';
import { cart } from './generated/cart/gql.ts';
import { catalog } from './generated/catalog/gql.ts';
import { user } from './generated/user/gql.ts';
import { watchSoldOut } from './sold-out.ts';

const CartForOrder = cart(`
  query CartForOrder($cartId: ID!, $userId: ID!) {
    cartForOrder(cartId: $cartId, userId: $userId) {
      id
      version
      currencyCode
      note
      lines(first: 100) {
        nodes {
          id
          quantity
          isSelected
          variant {
            id
          }
          unitPrice {
            amount
            currencyCode
          }
        }
      }
    }
  }
`);

const AddressForOrder = user(`
  query AddressForOrder($userId: ID!, $addressId: ID) {
    addressForOrder(userId: $userId, addressId: $addressId) {
      recipient
      phone
      line1
      line2
      city
      region
      postalCode
      countryCode
    }
  }
`);

const ReserveStock = catalog(`
  mutation ReserveStock($input: StockReserveInput!) {
    stockReserve(input: $input) {
      reservation {
        lines {
          variantId
          quantity
          title
          sku
          unitPrice {
            amount
            currencyCode
          }
        }
      }
      userErrors {
        code
        message
        variantId
        available
      }
    }
  }
`);

const StockMissing = catalog(`
  query StockMissing($variantIds: [ID!]!) {
    stockMissing(variantIds: $variantIds) {
      code
      message
      variantId
      available
    }
  }
`);

const ReleaseStock = catalog(`
  mutation ReleaseStock($orderId: ID!) {
    stockRelease(orderId: $orderId)
  }
`);

export type Peers = ReturnType<typeof createPeers>;

/** Why the catalog cannot hold a variant. */
export interface StockRefusal {
  code: string;
  message: string;
  variantId?: string | null | undefined;
  available?: number | null | undefined;
}

/** Long for a look, which nobody has to wait for: the reservation tells the same. */
const LOOK_TIMEOUT_MS = 500;

/**
 * The catalog may have to wait a second for the locks of what many want at once, and begin anew, several times. To give up before it does would take an order
 * back that was about to be placed, and the mutation it belongs to may take ten seconds.
 */
const RESERVE_TIMEOUT_MS = 5_000;

/** What placing an order needs of others. Commands carry the order id as their key: sent twice, they act once. */
export function createPeers({
  signer,
  logger,
  env,
}: {
  signer: Signer;
  logger: Logger;
  env: { USER_URL: readonly string[]; CATALOG_URL: readonly string[]; CART_URL: readonly string[] };
}) {
  const users = createPeer({ audience: 'user', urls: env.USER_URL, signer, logger });
  const catalogs = createPeer({ audience: 'catalog', urls: env.CATALOG_URL, signer, logger });
  const carts = createPeer({ audience: 'cart', urls: env.CART_URL, signer, logger });
  const soldOut = watchSoldOut<StockRefusal>(async (variantIds) => {
    return (await catalogs.request(StockMissing, { variantIds }, { timeoutMs: LOOK_TIMEOUT_MS })).stockMissing ?? [];
  });

  return {
    /** The cart with all its lines, or null when this user may not order it. */
    async readCart(cartId: string, userId: string) {
      return (await carts.request(CartForOrder, { cartId, userId })).cartForOrder ?? null;
    },
    /** An address of the user, the default one when `addressId` is null; null when there is none. */
    async readAddress(userId: string, addressId: string | null) {
      return (await users.request(AddressForOrder, { userId, addressId })).addressForOrder ?? null;
    },
    /** Which of these variants were sold out lately and still are, without holding anything. */
    lookForSoldOut: soldOut.look,
    /** Holds stock for an order, all lines or none, and quotes its prices. */
    async reserveStock(input: {
      orderId: string;
      ttlSeconds: number;
      lines: { variantId: string; quantity: number }[];
    }) {
      const { stockReserve } = await catalogs.request(ReserveStock, { input }, { timeoutMs: RESERVE_TIMEOUT_MS });
      const refusals: StockRefusal[] = stockReserve?.userErrors ?? [];
      soldOut.note(refusals.flatMap(({ variantId }) => variantId ?? []));
      return { quote: stockReserve?.reservation?.lines ?? null, refusals };
    },
    /** Ends the hold of an order; a hold that arrives later is refused. Whoever placed the order may have given up long ago, which is no reason to keep its stock. */
    async releaseStock(orderId: string): Promise<void> {
      await withoutDeadline(() => catalogs.request(ReleaseStock, { orderId }));
    },
    close: () => Promise.all([users.close(), catalogs.close(), carts.close()]),
  };
}
