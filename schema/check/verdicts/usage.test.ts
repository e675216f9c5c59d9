import { describe } from 'vitest';
import { seen } from '../test-graph.ts';
import { type Row, readOrder, testVerdicts } from './verdict-table.ts';

/** What recorded requests decide, with no registered operation that says the same. */
const withoutWeight: Row[1] = {
  catalog: [['weight: Int @deprecated(reason: "Use mass. Removal not before 2026-06-30.")', '']],
};
const withRegion: Row[1] = { catalog: [['item(id: ID!)', 'item(id: ID!, region: String!)']] };
const withoutInputNote: Row[1] = { order: [['note: String speed', 'speed']] };
const withoutVoucher: Row[1] = {
  order: [['voucher: String @deprecated(reason: "Use note. Removal not before 2026-06-30.")', '']],
};
const withRequiredGift: Row[1] = { order: [['cartId: ID! note', 'cartId: ID! gift: Boolean! note']] };
const withoutFast: Row[1] = { order: [['enum Speed { NORMAL FAST }', 'enum Speed { NORMAL }']] };
const withRefunded: Row[1] = { order: [['OPEN PAID', 'OPEN PAID REFUNDED']] };
const withMember: Row[1] = {
  catalog: [
    ['union Found = Product | Brand', 'union Found = Product | Brand | Shop type Shop @public { city: String }'],
  ],
};

const rows: Row[] = [
  [
    'a field goes after its day although somebody asked for it lately',
    withoutWeight,
    [seen('Product.weight')],
    ['breaking FIELD_REMOVED Product.weight'],
  ],
  [
    'a field goes after its day and only others were asked for',
    withoutWeight,
    [seen('Product.title'), readOrder],
    ['safe FIELD_REMOVED Product.weight'],
  ],
  [
    'a required argument is added to what was asked for',
    withRegion,
    [seen('Query.item')],
    ['breaking FIELD_ARGUMENT_ADDED Query.item(region:)'],
  ],
  [
    'a required argument is added beside what was asked for',
    withRegion,
    [seen('Query.product')],
    ['dangerous FIELD_ARGUMENT_ADDED Query.item(region:)'],
  ],
  [
    'a field of an input goes that was written',
    withoutInputNote,
    [seen('OrderPlaceInput.note')],
    ['breaking INPUT_FIELD_REMOVED OrderPlaceInput.note'],
  ],
  [
    'a field of an input goes that may have been sent in a variable',
    withoutInputNote,
    [seen('OrderPlaceInput.*')],
    ['breaking INPUT_FIELD_REMOVED OrderPlaceInput.note'],
  ],
  [
    'a field of an input goes beside one that was written',
    withoutInputNote,
    [seen('OrderPlaceInput.cartId')],
    ['dangerous INPUT_FIELD_REMOVED OrderPlaceInput.note'],
  ],
  [
    'a field of an input goes after its day, and other inputs were sent',
    withoutVoucher,
    [seen('ProductUpdateInput.*')],
    ['safe INPUT_FIELD_REMOVED OrderPlaceInput.voucher'],
  ],
  [
    'an input that was written gets a required field',
    withRequiredGift,
    [seen('OrderPlaceInput.cartId')],
    ['breaking INPUT_FIELD_ADDED OrderPlaceInput.gift'],
  ],
  [
    'an input that may have been sent in a variable gets a required field',
    withRequiredGift,
    [seen('OrderPlaceInput.*')],
    ['breaking INPUT_FIELD_ADDED OrderPlaceInput.gift'],
  ],
  [
    'an enum value goes that was written',
    withoutFast,
    [seen('Speed.FAST')],
    ['breaking ENUM_VALUE_REMOVED Speed.FAST'],
  ],
  [
    'an enum value goes that may have been sent in a variable',
    withoutFast,
    [seen('Speed.*')],
    ['breaking ENUM_VALUE_REMOVED Speed.FAST'],
  ],
  [
    'an enum value goes beside one that was written',
    withoutFast,
    [seen('Speed.NORMAL')],
    ['dangerous ENUM_VALUE_REMOVED Speed.FAST'],
  ],
  [
    'an enum that was read gets another value',
    withRefunded,
    [seen('Order.status')],
    ['dangerous ENUM_VALUE_ADDED OrderStatus.REFUNDED'],
  ],
  [
    'an enum that nobody read gets another value',
    withRefunded,
    [seen('Order.total')],
    ['safe ENUM_VALUE_ADDED OrderStatus.REFUNDED'],
  ],
  [
    'a union that was read gets another type',
    withMember,
    [seen('Query.found')],
    ['dangerous UNION_MEMBER_ADDED Found', 'safe TYPE_ADDED Shop'],
  ],
];

describe('what clients were seen to ask for', () => testVerdicts(rows));
