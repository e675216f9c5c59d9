import { describe } from 'vitest';
import {
  place,
  type Row,
  readItem,
  readOrder,
  readProduct,
  readViewer,
  signIn,
  testVerdicts,
} from './verdict-table.ts';

const federation: Row[] = [
  [
    'a guard is dropped',
    { user: [['viewer: User @authenticated', 'viewer: User @public']] },
    [readViewer],
    ['exposing GUARD_WEAKENED Query.viewer'],
  ],
  [
    'a guard is dropped without another',
    { user: [['email: String @authenticated', 'email: String']] },
    [],
    ['exposing GUARD_WEAKENED User.email'],
  ],
  [
    'scopes become a mere sign-in',
    {
      catalog: [
        [
          'stock(warehouse: String): Int @requiresScopes(scopes: [["stock:read"]])',
          'stock(warehouse: String): Int @authenticated',
        ],
      ],
    },
    [],
    ['exposing GUARD_WEAKENED Query.stock'],
  ],
  [
    'another scope is enough too',
    { catalog: [['[["stock:read"]]', '[["stock:read"], ["order:read"]]']] },
    [],
    ['exposing GUARD_WEAKENED Query.stock'],
  ],
  [
    'a second scope is needed',
    { catalog: [['[["stock:read"]]', '[["stock:read", "order:read"]]']] },
    [],
    ['dangerous GUARD_TIGHTENED Query.stock'],
  ],
  [
    'a guard is put before what is asked for',
    { catalog: [['item(id: ID!): Item @public', 'item(id: ID!): Item @authenticated']] },
    [readItem],
    ['breaking GUARD_TIGHTENED Query.item'],
  ],
  [
    'a guard is put before what nobody asks for',
    { catalog: [['item(id: ID!): Item @public', 'item(id: ID!): Item @authenticated']] },
    [readOrder],
    ['dangerous GUARD_TIGHTENED Query.item'],
  ],
  [
    'a whole type is opened',
    { order: [['type Order @key(fields: "id") @owned', 'type Order @key(fields: "id") @public']] },
    [readOrder],
    ['exposing GUARD_WEAKENED Order'],
  ],
  [
    'a key goes',
    { catalog: [['@key(fields: "id") @key(fields: "slug") @public', '@key(fields: "id") @public']] },
    [readProduct],
    ['dangerous KEY_REMOVED Product'],
  ],
  [
    'a key is added',
    { catalog: [['@key(fields: "slug") @public', '@key(fields: "slug") @key(fields: "label") @public']] },
    [],
    ['safe KEY_ADDED Product'],
  ],
  [
    'what only services saw is shown',
    { user: [['secret: String @inaccessible', 'secret: String']] },
    [],
    ['exposing INACCESSIBLE_REMOVED User.secret', 'safe FIELD_ADDED User.secret'],
  ],
  [
    'what is seen is hidden',
    { user: [['name: String!', 'name: String! @inaccessible']] },
    [readViewer],
    ['breaking FIELD_REMOVED User.name'],
  ],
  [
    'what only staff saw is shown to all',
    {
      user: [
        ['@requiresScopes(scopes: [["user:read"]]) @tag(name: "admin")', '@requiresScopes(scopes: [["user:read"]])'],
      ],
    },
    [],
    ['exposing TAG_REMOVED User.roles', 'safe FIELD_ADDED User.roles'],
  ],
  [
    'what all saw is for staff only',
    { catalog: [['subtitle: String', 'subtitle: String @tag(name: "admin")']] },
    [readProduct],
    ['breaking FIELD_REMOVED Product.subtitle'],
  ],
  [
    'a field moves to another subgraph',
    { catalog: [['subtitle: String\n', '\n']], order: [['orderCount: Int', 'orderCount: Int subtitle: String']] },
    [readProduct],
    ['dangerous FIELD_MOVED Product.subtitle'],
  ],
  [
    'an enum moves to another subgraph',
    {
      order: [
        ['enum Speed { NORMAL FAST }', ''],
        ['speed: Speed = NORMAL', ''],
      ],
      catalog: [
        ['enum Kind', 'enum Speed { NORMAL FAST } enum Kind'],
        ['text: String, kinds', 'speed: Speed, text: String, kinds'],
      ],
    },
    [readOrder],
    [
      'dangerous INPUT_FIELD_REMOVED OrderPlaceInput.speed',
      'dangerous TYPE_MOVED Speed',
      'safe FIELD_ARGUMENT_ADDED Query.found(speed:)',
    ],
  ],
  [
    'a contributed field may not be null any more',
    { order: [['orderCount: Int', 'orderCount: Int!']] },
    [readProduct],
    ['dangerous CONTRIBUTED_FIELD_TIGHTENED Product.orderCount', 'safe FIELD_TYPE_CHANGED Product.orderCount'],
  ],
  [
    'a shared field differs',
    {
      order: [
        ['type Order @key', 'type Weight @shareable { grams: Int } type Order @key'],
        ['note: String\n      total', 'weight: Weight note: String\n      total'],
      ],
      catalog: [
        ['interface Item', 'type Weight @shareable { grams: Int! } interface Item'],
        ['subtitle: String', 'subtitle: String mass: Weight'],
      ],
    },
    [],
    [
      'COMPOSITION INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE',
      'safe FIELD_ADDED Order.weight',
      'safe FIELD_ADDED Product.mass',
      'safe TYPE_ADDED Weight',
    ],
  ],
  [
    'what other services call goes',
    { user: [['secret: String @inaccessible', '']] },
    [],
    ['dangerous INTERNAL_FIELD_REMOVED User.secret'],
  ],
  [
    'attempts are not counted one by one any more',
    { user: [['@public @sensitive', '@public']] },
    [signIn],
    ['exposing DOOR_MARK_REMOVED Mutation.signIn'],
  ],
  [
    'answers are kept for another time',
    { catalog: [['subtitle: String', 'subtitle: String @cacheControl(maxAge: 5)']] },
    [readProduct],
    ['dangerous DIRECTIVE_USE_CHANGED Product.subtitle'],
  ],
  [
    'a purchase is not kept room for any more',
    { order: [['@authenticated @reserved', '@authenticated']] },
    [place],
    ['dangerous DOOR_MARK_REMOVED Mutation.orderPlace'],
  ],
  [
    'the cost of what is asked for changes',
    {
      catalog: [
        ['title(language: String = "en"): String!', 'title(language: String = "en"): String! @cost(weight: 5)'],
      ],
    },
    [readProduct],
    ['dangerous COST_CHANGED Product.title'],
  ],
  [
    'the cost of what nobody asks for changes',
    {
      catalog: [
        ['title(language: String = "en"): String!', 'title(language: String = "en"): String! @cost(weight: 5)'],
      ],
    },
    [readOrder],
    ['safe COST_CHANGED Product.title'],
  ],
];

describe('what subgraphs are to each other', () => testVerdicts(federation));

const conflicts: Row[] = [
  [
    'two subgraphs answer one field',
    { order: [['orderCount: Int', 'orderCount: Int title(language: String = "en"): String!']] },
    [],
    ['COMPOSITION INVALID_FIELD_SHARING'],
  ],
  [
    'a field has two types',
    {
      order: [
        ['type Product @key(fields: "id") @public { id: ID!', 'type Product @key(fields: "id") @public { id: Int!'],
      ],
    },
    [],
    ['COMPOSITION FIELD_TYPE_MISMATCH'],
  ],
  [
    'a key names a field that is not there',
    { order: [['type Order @key(fields: "id")', 'type Order @key(fields: "number")']] },
    [],
    ['COMPOSITION KEY_INVALID_FIELDS'],
  ],
  [
    'nobody can find a field',
    {
      order: [
        ['type Product @key(fields: "id") @public { id: ID!', 'type Product @key(fields: "code") @public { code: ID!'],
      ],
    },
    [],
    ['COMPOSITION SATISFIABILITY_ERROR'],
  ],
  [
    'an owner drops what another needs',
    {
      order: [['orderCount: Int', 'subtitle: String @external orderCount: Int @requires(fields: "subtitle")']],
      catalog: [['subtitle: String\n', '\n']],
    },
    [],
    ['COMPOSITION EXTERNAL_MISSING_ON_BASE'],
  ],
  [
    'a name is of two kinds',
    {
      order: [
        ['enum Speed { NORMAL FAST }', 'enum Speed { NORMAL FAST } enum Brand { A }'],
        ['note: String\n      total', 'brand: Brand note: String\n      total'],
      ],
    },
    [],
    ['COMPOSITION TYPE_KIND_MISMATCH'],
  ],
  [
    'what clients see returns what is hidden',
    {
      catalog: [
        [
          'type Brand implements Item @key(fields: "id") @public',
          'type Brand implements Item @key(fields: "id") @inaccessible',
        ],
      ],
    },
    [],
    ['COMPOSITION REFERENCED_INACCESSIBLE'],
  ],
  [
    'the SDL cannot be read',
    { order: [['type Order @key', 'type type Order @key']] },
    [],
    ['COMPOSITION INVALID_GRAPHQL'],
  ],
];

describe('what does not compose', () => testVerdicts(conflicts));
