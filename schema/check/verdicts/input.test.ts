import { describe } from 'vitest';
import { registered, seen } from '../test-graph.ts';
import {
  find,
  findKinds,
  place,
  placeWritten,
  type Row,
  readItem,
  readOrder,
  readProduct,
  testVerdicts,
  update,
} from './verdict-table.ts';

const inputs: Row[] = [
  [
    'an optional argument is added',
    { catalog: [['item(id: ID!)', 'item(id: ID!, region: String)']] },
    [readItem],
    ['safe FIELD_ARGUMENT_ADDED Query.item(region:)'],
  ],
  [
    'a required argument is added to what is asked for',
    { catalog: [['item(id: ID!)', 'item(id: ID!, region: String!)']] },
    [readItem],
    ['breaking FIELD_ARGUMENT_ADDED Query.item(region:)'],
  ],
  [
    'a required argument is added to what nobody asks for',
    { catalog: [['item(id: ID!)', 'item(id: ID!, region: String!)']] },
    [readOrder],
    ['dangerous FIELD_ARGUMENT_ADDED Query.item(region:)'],
  ],
  [
    'a required argument with a default is added',
    { catalog: [['item(id: ID!)', 'item(id: ID!, region: String! = "EU")']] },
    [readItem],
    ['safe FIELD_ARGUMENT_ADDED Query.item(region:)'],
  ],
  [
    'an argument goes that is given',
    { catalog: [['text: String, kinds', 'kinds']] },
    [find],
    ['breaking FIELD_ARGUMENT_REMOVED Query.found(text:)'],
  ],
  [
    'an argument goes that nobody gives',
    { catalog: [['text: String, kinds', 'kinds']] },
    [findKinds],
    ['dangerous FIELD_ARGUMENT_REMOVED Query.found(text:)'],
  ],
  [
    'an argument goes that was given lately',
    { catalog: [['text: String, kinds', 'kinds']] },
    [seen('Query.found(text:)')],
    ['breaking FIELD_ARGUMENT_REMOVED Query.found(text:)'],
  ],
  [
    'an argument becomes required where it is left out',
    { catalog: [['text: String, kinds', 'text: String!, kinds']] },
    [findKinds],
    ['breaking FIELD_ARGUMENT_TYPE_CHANGED Query.found(text:)'],
  ],
  [
    'an argument becomes required where a variable may be null',
    { catalog: [['text: String, kinds', 'text: String!, kinds']] },
    [find],
    ['breaking FIELD_ARGUMENT_TYPE_CHANGED Query.found(text:)'],
  ],
  [
    'an argument becomes required where it is always given',
    { catalog: [['text: String, kinds', 'text: String!, kinds']] },
    [registered('query FindAll($text: String!) { found(text: $text) { __typename } }')],
    ['dangerous FIELD_ARGUMENT_TYPE_CHANGED Query.found(text:)'],
  ],
  [
    'an argument becomes optional',
    { catalog: [['item(id: ID!)', 'item(id: ID)']] },
    [readItem],
    ['safe FIELD_ARGUMENT_TYPE_CHANGED Query.item(id:)'],
  ],
  [
    'an argument gets another type',
    { catalog: [['text: String, kinds', 'text: Int, kinds']] },
    [find],
    ['breaking FIELD_ARGUMENT_TYPE_CHANGED Query.found(text:)'],
  ],
  [
    'a default changes that is relied on',
    { catalog: [['currency: String = "EUR"', 'currency: String = "USD"']] },
    [readProduct],
    ['dangerous FIELD_ARGUMENT_DEFAULT_CHANGED Query.product(currency:)'],
  ],
  [
    'a default changes that is never relied on',
    { catalog: [['currency: String = "EUR"', 'currency: String = "USD"']] },
    [registered('query Priced { product(id: 1, currency: "GBP") { id } }')],
    ['safe FIELD_ARGUMENT_DEFAULT_CHANGED Query.product(currency:)'],
  ],
  [
    'a default changes for who leaves out a variable',
    { catalog: [['first: Int = 20', 'first: Int = 50']] },
    [registered('query Some($first: Int) { found(first: $first) { __typename } }')],
    ['dangerous FIELD_ARGUMENT_DEFAULT_CHANGED Query.found(first:)'],
  ],
  [
    'a default goes',
    { catalog: [['currency: String = "EUR"', 'currency: String']] },
    [readProduct],
    ['dangerous FIELD_ARGUMENT_DEFAULT_CHANGED Query.product(currency:)'],
  ],
  [
    'an optional input field is added',
    { order: [['cartId: ID!', 'cartId: ID! gift: Boolean']] },
    [place],
    ['safe INPUT_FIELD_ADDED OrderPlaceInput.gift'],
  ],
  [
    'a required input field is added to what is sent in a variable',
    { order: [['cartId: ID!', 'cartId: ID! region: String!']] },
    [place],
    ['breaking INPUT_FIELD_ADDED OrderPlaceInput.region'],
  ],
  [
    'a required input field is added to what is written out',
    { order: [['cartId: ID!', 'cartId: ID! region: String!']] },
    [placeWritten],
    ['breaking INPUT_FIELD_ADDED OrderPlaceInput.region'],
  ],
  [
    'a required input field is added to what nobody sends',
    { order: [['cartId: ID!', 'cartId: ID! region: String!']] },
    [readOrder],
    ['dangerous INPUT_FIELD_ADDED OrderPlaceInput.region'],
  ],
  [
    'a required input field is added to what was sent lately',
    { order: [['cartId: ID!', 'cartId: ID! region: String!']] },
    [seen('OrderPlaceInput.cartId')],
    ['breaking INPUT_FIELD_ADDED OrderPlaceInput.region'],
  ],
  [
    'an input field with a default is added',
    { order: [['cartId: ID!', 'cartId: ID! region: String! = "EU"']] },
    [place],
    ['dangerous INPUT_FIELD_ADDED OrderPlaceInput.region'],
  ],
  [
    'an input field goes that a variable may hold',
    { order: [['note: String speed', 'speed']] },
    [place],
    ['breaking INPUT_FIELD_REMOVED OrderPlaceInput.note'],
  ],
  [
    'an input field goes that is written out',
    {
      order: [
        ['speed: Speed = NORMAL', ''],
        ['enum Speed { NORMAL FAST }', ''],
      ],
    },
    [placeWritten],
    ['breaking INPUT_FIELD_REMOVED OrderPlaceInput.speed', 'safe TYPE_REMOVED Speed'],
  ],
  [
    'an input field goes that is not written out',
    { order: [['note: String speed', 'speed']] },
    [placeWritten],
    ['dangerous INPUT_FIELD_REMOVED OrderPlaceInput.note'],
  ],
  [
    'an input field goes after its day',
    { order: [['voucher: String @deprecated(reason: "Use note. Removal not before 2026-06-30.")', '']] },
    [placeWritten],
    ['safe INPUT_FIELD_REMOVED OrderPlaceInput.voucher'],
  ],
  [
    'an input field becomes required',
    { order: [['note: String speed', 'note: String! speed']] },
    [place],
    ['breaking INPUT_FIELD_TYPE_CHANGED OrderPlaceInput.note'],
  ],
  [
    'an input field becomes optional',
    { order: [['cartId: ID!', 'cartId: ID']] },
    [place],
    ['safe INPUT_FIELD_TYPE_CHANGED OrderPlaceInput.cartId'],
  ],
  [
    'the default of an input field changes',
    { order: [['speed: Speed = NORMAL', 'speed: Speed = FAST']] },
    [place],
    ['dangerous INPUT_FIELD_DEFAULT_VALUE_CHANGED OrderPlaceInput.speed'],
  ],
  [
    'the default of an input field changes that is always sent',
    { order: [['speed: Speed = NORMAL', 'speed: Speed = FAST']] },
    [placeWritten],
    ['safe INPUT_FIELD_DEFAULT_VALUE_CHANGED OrderPlaceInput.speed'],
  ],
  [
    'a field changes that only staff send',
    { catalog: [['title: String state: ProductState limit', 'state: ProductState limit']] },
    [update],
    ['breaking INPUT_FIELD_REMOVED ProductUpdateInput.title'],
  ],
];

describe('what clients send', () => testVerdicts(inputs));

const enums: Row[] = [
  [
    'an enum gets a value, and is read',
    { order: [['OPEN PAID', 'OPEN PAID GONE']] },
    [readOrder],
    ['dangerous ENUM_VALUE_ADDED OrderStatus.GONE'],
  ],
  [
    'an enum gets a value, and nobody reads it',
    { order: [['OPEN PAID', 'OPEN PAID GONE']] },
    [readProduct],
    ['safe ENUM_VALUE_ADDED OrderStatus.GONE'],
  ],
  [
    'an enum that is only sent gets a value',
    { order: [['NORMAL FAST', 'NORMAL FAST SLOW']] },
    [place],
    ['safe ENUM_VALUE_ADDED Speed.SLOW'],
  ],
  [
    'an enum loses a value that is written',
    { order: [['NORMAL FAST', 'NORMAL']] },
    [placeWritten],
    ['breaking ENUM_VALUE_REMOVED Speed.FAST'],
  ],
  [
    'an enum loses a value that a variable may hold',
    { order: [['NORMAL FAST', 'NORMAL']] },
    [place],
    ['breaking ENUM_VALUE_REMOVED Speed.FAST'],
  ],
  [
    'an enum loses a value that nobody sends',
    { order: [['NORMAL FAST', 'NORMAL']] },
    [readOrder],
    ['dangerous ENUM_VALUE_REMOVED Speed.FAST'],
  ],
  [
    'an enum that is only read loses a value',
    { order: [['OPEN PAID', 'OPEN']] },
    [readOrder],
    ['dangerous ENUM_VALUE_REMOVED OrderStatus.PAID'],
  ],
  [
    'an enum loses a value after its day',
    { catalog: [['OLD @deprecated(reason: "Use BRAND. Removal not before 2026-01-31.")', '']] },
    [find],
    ['safe ENUM_VALUE_REMOVED Kind.OLD'],
  ],
  [
    'an enum loses a value after its day that may still be sent',
    { catalog: [['OLD @deprecated(reason: "Use BRAND. Removal not before 2026-01-31.")', '']] },
    [findKinds],
    ['breaking ENUM_VALUE_REMOVED Kind.OLD'],
  ],
];

describe('enums', () => testVerdicts(enums));
