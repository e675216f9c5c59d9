import type { Connection } from '@souk/platform/connection';
import type * as reservation from './reservation.ts';
import type { SearchResult } from './search.ts';
import type * as tables from './tables.ts';

/** What the types of the schema are made of, where they are not what they look like. */
export type Product = tables.ProductRow;
export type ProductConnection = Connection<Product>;
export type ProductSearchConnection = SearchResult;
export type ProductVariant = tables.VariantRow;
export type ProductVariantConnection = Connection<ProductVariant>;
export type Category = tables.CategoryRow;
export type Brand = tables.BrandRow;
export type Media = Pick<tables.MediaRow, 'id' | 'kind' | 'url' | 'altText' | 'width' | 'height'>;
export type MediaConnection = Connection<Media>;
export type StockLevel = tables.StockLevelRow;
export type StockMovement = tables.StockMovementRow;
export type StockMovementConnection = Connection<StockMovement>;
export type StockReservation = reservation.Reservation;
export type StockReservationLine = tables.ReservationLineRow;
