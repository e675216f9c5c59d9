import { describe } from 'vitest';
import { place, type Row, readOrder, readWeight, testVerdicts } from './verdict-table.ts';

const promises: Row[] = [
  [
    'a field is deprecated with a day',
    {
      order: [
        [
          'note: String\n      total',
          'note: String @deprecated(reason: "Use notes. Removal not before 2027-03-31.")\n      total',
        ],
      ],
    },
    [readOrder],
    ['safe FIELD_DEPRECATION_ADDED Order.note'],
  ],
  [
    'a deprecation is taken back',
    { catalog: [['weight: Int @deprecated(reason: "Use mass. Removal not before 2026-06-30.")', 'weight: Int']] },
    [readWeight],
    ['safe FIELD_DEPRECATION_REMOVED Product.weight'],
  ],
  [
    'a day is put off',
    { catalog: [['2027-06-30', '2027-09-30']] },
    [],
    ['safe FIELD_DEPRECATION_REASON_CHANGED Product.color'],
  ],
  [
    'a day is brought forward',
    { catalog: [['2027-06-30', '2026-12-31']] },
    [],
    ['dangerous FIELD_DEPRECATION_REASON_CHANGED Product.color'],
  ],
  [
    'an enum value is deprecated',
    { order: [['NORMAL FAST', 'NORMAL FAST @deprecated(reason: "Use NORMAL. Removal not before 2027-03-31.")']] },
    [place],
    ['safe ENUM_VALUE_DEPRECATION_REASON_ADDED Speed.FAST'],
  ],
];

describe('what clients were promised', () => testVerdicts(promises));
