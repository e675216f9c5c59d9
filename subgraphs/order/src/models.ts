import type { Connection, Edge } from '@souk/platform/connection';
import type { LineOfOrder } from './loaders.ts';
import type { OrderEventRow, OrderRow } from './tables.ts';

/** What each GraphQL type of this subgraph is made of; codegen reads the names. */
export type Order = OrderRow;
export type OrderConnection = Connection<OrderRow>;
export type OrderEdge = Edge<OrderRow>;
export type OrderLine = LineOfOrder;
export type OrderLineConnection = Connection<LineOfOrder>;
export type OrderLineEdge = Edge<LineOfOrder>;
export type OrderEvent = OrderEventRow;
export type OrderEventConnection = Connection<OrderEventRow>;
export type OrderEventEdge = Edge<OrderEventRow>;
export type User = { id: string };
