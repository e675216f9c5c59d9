import { describe } from 'vitest';
import { seen } from '../test-graph.ts';
import {
  find,
  findKinds,
  type Row,
  readItem,
  readOrder,
  readProduct,
  readWeight,
  testVerdicts,
} from './verdict-table.ts';

const outputs: Row[] = [
  [
    'a field is added',
    { order: [['note: String\n      total', 'note: String place: String\n      total']] },
    [readOrder],
    ['safe FIELD_ADDED Order.place'],
  ],
  [
    'a field goes that an operation selects',
    { order: [['note: String\n      total', 'total']] },
    [readOrder],
    ['breaking FIELD_REMOVED Order.note'],
  ],
  [
    'a field goes that nobody selects',
    { order: [['note: String\n      total', 'total']] },
    [readProduct],
    ['dangerous FIELD_REMOVED Order.note'],
  ],
  [
    'a field goes that was asked for lately',
    { order: [['note: String\n      total', 'total']] },
    [seen('Order.note')],
    ['breaking FIELD_REMOVED Order.note'],
  ],
  [
    'a field goes beside one that was asked for',
    { order: [['note: String\n      total', 'total']] },
    [seen('Order.total')],
    ['dangerous FIELD_REMOVED Order.note'],
  ],
  [
    'a field goes after its day',
    { catalog: [['weight: Int @deprecated(reason: "Use mass. Removal not before 2026-06-30.")', '']] },
    [readProduct],
    ['safe FIELD_REMOVED Product.weight'],
  ],
  [
    'a field goes after its day and is still selected',
    { catalog: [['weight: Int @deprecated(reason: "Use mass. Removal not before 2026-06-30.")', '']] },
    [readWeight],
    ['breaking FIELD_REMOVED Product.weight'],
  ],
  [
    'a field goes before its day',
    { catalog: [['color: String @deprecated(reason: "Use label. Removal not before 2027-06-30.")', '']] },
    [readProduct],
    ['dangerous FIELD_REMOVED Product.color'],
  ],
  [
    'a field goes whose deprecation has no day',
    { catalog: [['size: String @deprecated(reason: "Do not use.")', '']] },
    [],
    ['dangerous FIELD_REMOVED Product.size'],
  ],
  [
    'a field gets another type',
    { order: [['note: String\n      total', 'note: Int\n      total']] },
    [readOrder],
    ['breaking FIELD_TYPE_CHANGED Order.note'],
  ],
  [
    'a field that nobody selects gets another type',
    { order: [['note: String\n      total', 'note: Int\n      total']] },
    [],
    ['dangerous FIELD_TYPE_CHANGED Order.note'],
  ],
  [
    'a field may be null from now on',
    { order: [['total: Money!', 'total: Money']] },
    [readOrder],
    ['breaking FIELD_TYPE_CHANGED Order.total'],
  ],
  [
    'a field may be null from now on, and nobody selects it',
    { order: [['total: Money!', 'total: Money']] },
    [readProduct],
    ['dangerous FIELD_TYPE_CHANGED Order.total'],
  ],
  [
    'a field is never null from now on',
    { order: [['note: String\n      total', 'note: String!\n      total']] },
    [readOrder],
    ['safe FIELD_TYPE_CHANGED Order.note'],
  ],
  [
    'a field becomes a list',
    { catalog: [['subtitle: String', 'subtitle: [String!]']] },
    [readProduct],
    ['breaking FIELD_TYPE_CHANGED Product.subtitle'],
  ],
  [
    'a field is renamed',
    { catalog: [['subtitle: String', 'tagline: String']] },
    [readProduct],
    ['safe FIELD_ADDED Product.tagline', 'breaking FIELD_REMOVED Product.subtitle'],
  ],
  [
    'a description changes',
    { catalog: [['subtitle: String', '"What is below the title." subtitle: String']] },
    [readProduct],
    [],
  ],
  [
    'a type is added with a field that leads to it',
    {
      catalog: [['subtitle: String', 'subtitle: String size2: Size']],
      user: [['type Mutation', 'type Size { width: Int }  type Mutation']],
    },
    [],
    ['COMPOSITION INVALID_GRAPHQL'],
  ],
  [
    'a type is added in the subgraph that leads to it',
    {
      catalog: [
        ['subtitle: String', 'subtitle: String extent: Size'],
        ['interface Item', 'type Size { width: Int } interface Item'],
      ],
    },
    [],
    ['safe FIELD_ADDED Product.extent', 'safe TYPE_ADDED Size'],
  ],
  [
    'a type goes that a document names',
    {
      catalog: [
        ['union Found = Product | Brand', 'union Found = Product'],
        ['type Brand implements Item @key(fields: "id") @public { id: ID! label: String! country: String }', ''],
        ['brand: Brand', ''],
      ],
    },
    [find],
    ['dangerous FIELD_REMOVED Product.brand', 'breaking TYPE_REMOVED Brand', 'breaking UNION_MEMBER_REMOVED Found'],
  ],
];

describe('what clients read', () => testVerdicts(outputs));

const abstract: Row[] = [
  [
    'a union gets a member, and is read',
    { catalog: [['union Found = Product | Brand', 'union Found = Product | Brand | Money']] },
    [find],
    ['dangerous UNION_MEMBER_ADDED Found'],
  ],
  [
    'a union gets a member, and nobody reads it',
    { catalog: [['union Found = Product | Brand', 'union Found = Product | Brand | Money']] },
    [readOrder],
    ['safe UNION_MEMBER_ADDED Found'],
  ],
  [
    'a union loses a member that a document looks for',
    { catalog: [['union Found = Product | Brand', 'union Found = Product']] },
    [find],
    ['breaking UNION_MEMBER_REMOVED Found'],
  ],
  [
    'a union loses a member that nobody looks for',
    { catalog: [['union Found = Product | Brand', 'union Found = Product']] },
    [findKinds],
    ['dangerous UNION_MEMBER_REMOVED Found'],
  ],
  [
    'another type implements an interface that is read',
    {
      order: [
        ['type Order @key', 'interface Item { id: ID! label: String! } type Order implements Item @key'],
        ['note: String\n      total', 'label: String! note: String\n      total'],
      ],
    },
    [readItem],
    ['safe FIELD_ADDED Order.label', 'dangerous OBJECT_TYPE_INTERFACE_ADDED Order'],
  ],
  [
    'a type leaves an interface in which a document looks for it',
    { catalog: [['type Brand implements Item', 'type Brand']] },
    [readItem],
    ['breaking OBJECT_TYPE_INTERFACE_REMOVED Brand'],
  ],
  [
    'a type leaves an interface, and no document looks for it there',
    { catalog: [['type Brand implements Item', 'type Brand']] },
    [find],
    ['dangerous OBJECT_TYPE_INTERFACE_REMOVED Brand'],
  ],
  [
    'an interface gets a field that all have',
    {
      catalog: [
        ['interface Item { id: ID! label: String! }', 'interface Item { id: ID! label: String! country: String }'],
        ['label: String!\n      title', 'label: String! country: String\n      title'],
      ],
    },
    [readItem],
    ['safe FIELD_ADDED Item.country', 'safe FIELD_ADDED Product.country'],
  ],
  [
    'an interface loses a field that is read',
    { catalog: [['interface Item { id: ID! label: String! }', 'interface Item { id: ID! }']] },
    [readItem],
    ['breaking FIELD_REMOVED Item.label'],
  ],
  [
    'an interface loses a field that is read on its types only',
    { catalog: [['interface Item { id: ID! label: String! }', 'interface Item { id: ID! }']] },
    [find],
    ['dangerous FIELD_REMOVED Item.label'],
  ],
];

describe('interfaces and unions', () => testVerdicts(abstract));
