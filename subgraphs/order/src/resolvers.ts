import { connectionOf } from '@souk/platform/connection';
import { payload } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { money, times } from '@souk/platform/money';
import { scalarsFor } from '@souk/platform/scalars';
import { readSubgraphSdl } from '@souk/schema/subgraphs';
import { placeOrder } from './checkout.ts';
import { signedIn } from './context.ts';
import type { Resolvers } from './generated/resolvers.ts';
import {
  actorOn,
  cancelOrder,
  confirmReceipt,
  maySeeOrdersOf,
  moveOrderAlong,
  orderKey,
  updateOrderAddress,
  visibleTo,
} from './order.ts';
import { listOrders } from './order-list.ts';
import { allowedActions } from './order-status.ts';
import { addressOf } from './postal-address.ts';

export const resolvers: Resolvers = {
  ...scalarsFor(readSubgraphSdl('order')),
  Query: {
    order: async (_, args, { loaders, caller }) => visibleTo(caller, await loaders.orderByKey(orderKey(args))),
    orders: (_, args, { db }) => listOrders(db, args),
    orderForPayment: async (_, { orderId, userId }, { loaders }) => {
      const order = await loaders.orderById.load(parseId('Order', orderId));
      return order?.userId === userId ? order : null;
    },
  },
  Mutation: {
    orderPlace: (_, { input }, context) =>
      payload(async () => {
        const { orderId } = await placeOrder(context.checkoutDesk, signedIn(context), input);
        return { order: await context.loaders.orderById.load(orderId) };
      }),
    orderCancel: (_, { input }, { db, caller }) => payload(() => cancelOrder(db, caller, input)),
    orderAddressUpdate: (_, { input }, { db, caller }) => payload(() => updateOrderAddress(db, caller, input)),
    orderReceiptConfirm: (_, { orderId }, { db, caller }) => payload(() => confirmReceipt(db, caller, orderId)),
    orderTransition: (_, { input }, { db }) => payload(() => moveOrderAlong(db, input)),
  },
  Order: {
    __resolveReference: async (reference, { loaders, caller }) =>
      visibleTo(caller, await loaders.orderByKey(orderKey(reference))),
    allowedActions: (order, _, { caller }) => allowedActions(order, actorOn(order, caller)),
    customer: ({ userId }) => ({ id: userId }),
    lines: async ({ id }, args, { loaders }) =>
      connectionOf(await loaders.linesByOrder.load(id), args, { name: 'linesOfOrder', key: (line) => line.id }),
    events: ({ id }, args, { loaders }) => loaders.eventPageByOrder.load({ parent: id, args }),
    subtotal: (order) => money(order.subtotalMinor, order.currencyCode),
    shippingTotal: (order) => money(order.shippingMinor, order.currencyCode),
    taxTotal: (order) => money(order.taxMinor, order.currencyCode),
    total: (order) => money(order.totalMinor, order.currencyCode),
    shippingAddress: (order) => addressOf(order),
  },
  OrderLine: {
    __resolveReference: async ({ id }, { loaders, caller }) => visibleTo(caller, await loaders.lineById.load(id)),
    unitPrice: (line) => money(line.unitPriceMinor, line.currencyCode),
    subtotal: (line) => money(times(line.unitPriceMinor, line.quantity), line.currencyCode),
    variant: ({ variantId }) => ({ id: variantId }),
  },
  User: {
    __resolveReference: ({ id }) => ({ id }),
    orders: ({ id }, args, { loaders, caller }) =>
      maySeeOrdersOf(caller, id) ? loaders.orderPageByUser.load({ parent: id, args }) : null,
  },
};
