/**
 * Public ids are TypeIDs: the type's prefix, an underscore, and a UUIDv7 in 26 characters of base 32, so ids sort by the time they were made.
 * In the database the prefix is left out: the column knows its kind, and stores the 16 bytes.
 *
 * Rule: https://github.com/jetify-com/typeid/tree/main/spec
 */
export const idPrefixes = {
  User: 'user',
  Address: 'addr',
  Session: 'sess',
  AccessEntry: 'accs',
  Product: 'prod',
  ProductVariant: 'vari',
  Category: 'catg',
  Brand: 'brnd',
  Media: 'medi',
  StockMovement: 'stmv',
  StockReservation: 'rsrv',
  Cart: 'cart',
  CartLine: 'clin',
  Order: 'ordr',
  OrderLine: 'olin',
  OrderEvent: 'oevt',
  Payment: 'paym',
  Refund: 'rfnd',
  LedgerTransaction: 'ltrx',
  Reconciliation: 'rcon',
  Event: 'evnt',
} as const;

/** What an id can name: a GraphQL type, or one of the internal records beside them. */
export type IdKind = keyof typeof idPrefixes;
