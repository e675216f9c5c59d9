import type { Refusal } from '@souk/platform/errors';
import { requiredText, typedText } from '@souk/platform/typed-text';
import type { OrderRow } from './tables.ts';

/** Where a parcel goes: these columns of an order. */
export type PostalAddress = Pick<
  OrderRow,
  'recipient' | 'phone' | 'line1' | 'line2' | 'city' | 'region' | 'postalCode' | 'countryCode'
>;

/** An address as a client sends it. */
export interface PostalAddressInput {
  recipient: string;
  phone?: string | null | undefined;
  line1: string;
  line2?: string | null | undefined;
  city: string;
  region?: string | null | undefined;
  postalCode?: string | null | undefined;
  countryCode: string;
}

/** Reads an address that somebody typed; what is wrong with it is added to `refusals` under `field`. */
export function typedAddress(input: PostalAddressInput, field: string[], refusals: Refusal[]): PostalAddress {
  const required = (key: 'recipient' | 'line1' | 'city', maximumLength: number) =>
    requiredText(input[key], { field: [...field, key], maximumLength }, refusals);
  const optional = (key: 'phone' | 'line2' | 'region' | 'postalCode', maximumLength: number) =>
    typedText(input[key], { field: [...field, key], maximumLength }, refusals);
  return {
    recipient: required('recipient', 100),
    phone: optional('phone', 32),
    line1: required('line1', 200),
    line2: optional('line2', 200),
    city: required('city', 100),
    region: optional('region', 100),
    postalCode: optional('postalCode', 20),
    countryCode: input.countryCode,
  };
}

/** The address part of whatever carries one. */
export function addressOf(carrier: PostalAddress): PostalAddress {
  const { recipient, phone, line1, line2, city, region, postalCode, countryCode } = carrier;
  return { recipient, phone, line1, line2, city, region, postalCode, countryCode };
}
