import { describe, expect, it } from 'vitest';
import { lint, rules } from './lint.ts';
import { readSubgraphSdl, subgraphNames } from './subgraphs.ts';

describe('the schema of the shop', () => {
  const sdl = Object.fromEntries(subgraphNames.map((name) => [name, readSubgraphSdl(name)]));

  it.each(Object.entries(rules))('keeps the rule of %s', (_name, rule) => {
    expect(lint(sdl, [rule])).toEqual([]);
  });
});

describe('access', () => {
  const findings = (user: string) => lint({ user }, [rules.access]);

  it('finds a root field that does not say who may', () => {
    expect(findings('type Query { secret: String open: String @public }')).toEqual([
      'user: Query.secret must be guarded, or declared @public or @owned.',
    ]);
  });

  it('finds a field of an entity that does not say who may', () => {
    expect(findings('type User @key(fields: "id") { id: ID! @public email: String }')).toEqual([
      'user: User.email must be guarded, or declared @public or @owned.',
    ]);
  });

  it('takes the declaration of a type for its fields, and leaves value types to the field that leads to them', () => {
    expect(findings('type User @key(fields: "id") @owned { id: ID! } type Money { amount: String! }')).toEqual([]);
  });

  it('finds a coordinate that says two things', () => {
    expect(findings('type Query { viewer: String @public @authenticated }')).toEqual([
      'user: Query.viewer says more than one thing about who may: @public, @authenticated.',
    ]);
  });
});

describe('cacheHints', () => {
  const findings = (catalog: string) => lint({ catalog }, [rules.cacheHints]);

  it('takes what anyone may read, and values', () => {
    const sdl = `
      type Query { products: Product @public @cacheControl(maxAge: 60) }
      type Product @key(fields: "id") @public @cacheControl(maxAge: 60) { id: ID! stock: Int @cacheControl(maxAge: 10) price: Money }
      type Money @cacheControl(inheritMaxAge: true) { amount: String! }
    `;
    expect(findings(sdl)).toEqual([]);
  });

  it.each(['@owned', '@authenticated', '@requiresScopes(scopes: [["a"]])', '@inaccessible', '@tag(name: "admin")', ''])(
    'finds one on what is %s',
    (mark) => {
      expect(findings(`type Query { viewer: String ${mark} @cacheControl(maxAge: 1) }`)).toEqual([
        'catalog: Query.viewer is not for everybody to read, so @cacheControl must not stand there.',
      ]);
      expect(findings(`type User @key(fields: "id") ${mark} @cacheControl(maxAge: 1) { id: ID! }`)).toEqual([
        'catalog: User is not for everybody, so @cacheControl must not stand there.',
      ]);
    },
  );

  it('finds one on an owned field of what is public, and on a mutation', () => {
    expect(findings('type Product @key(fields: "id") @public { mine: Int @owned @cacheControl(maxAge: 1) }')).toEqual([
      'catalog: Product.mine is not for everybody to read, so @cacheControl must not stand there.',
    ]);
    expect(findings('type Mutation { signIn: String @public @cacheControl(maxAge: 1) }')).toEqual([
      'catalog: Mutation.signIn is not for everybody to read, so @cacheControl must not stand there.',
    ]);
  });

  it('finds an age that is too long, negative, or missing', () => {
    const age = (hint: string) => findings(`type Query { a: String @public @cacheControl${hint} }`);
    expect(age('(maxAge: 61)')).toEqual(['catalog: Query.a must have a maxAge of 0 to 60 seconds, not 61.']);
    expect(age('(maxAge: -1)')).toEqual(['catalog: Query.a must have a maxAge of 0 to 60 seconds, not -1.']);
    expect(age('')).toEqual(['catalog: Query.a must have either maxAge or inheritMaxAge in @cacheControl.']);
    expect(age('(maxAge: 1, inheritMaxAge: true)')).toHaveLength(1);
  });
});

describe('adminTags', () => {
  const findings = (catalog: string) => lint({ catalog }, [rules.adminTags]);
  const scope = '@requiresScopes(scopes: [["stock:read"]])';

  it('finds a field that needs a scope and is shown to the storefront', () => {
    expect(findings(`type Query { stock: Int ${scope} }`)).toEqual([
      'catalog: Query.stock needs a scope, so it must be tagged admin.',
    ]);
    expect(findings(`type Query { stock: Int ${scope} @tag(name: "admin") }`)).toEqual([]);
  });

  it('finds the input types of such a field, at any depth', () => {
    const sdl = `
      type Mutation { adjust(input: AdjustInput!): Int ${scope} @tag(name: "admin") }
      input AdjustInput @tag(name: "admin") { change: ChangeInput! }
      input ChangeInput { delta: Int! again: ChangeInput }
    `;
    expect(findings(sdl)).toEqual([
      'catalog: ChangeInput is the input of a field that needs a scope, so it must be tagged admin.',
    ]);
  });

  it('finds a tag on a type that only services meet', () => {
    expect(findings('type Hold @inaccessible @tag(name: "admin") { id: ID! }')).toHaveLength(1);
  });
});

describe('descriptions', () => {
  const findings = (sdl: string) => lint({ user: sdl }, [rules.descriptions]);

  it.each([
    ['type', 'type Query { "Says hello to all." hello: String }', 'Query'],
    ['field', '"Reads things." type Query { hello: String }', 'Query.hello'],
    ['argument', '"Reads things." type Query { "Says hello to all." hello(to: ID): String }', 'Query.hello.to'],
    ['input field', '"What it takes." input HelloInput { to: ID }', 'HelloInput.to'],
    ['enum value', '"How warm it is." enum Tone { COLD }', 'Tone.COLD'],
    ['scalar', 'scalar DateTime', 'DateTime'],
    ['directive', 'directive @public on OBJECT', 'public'],
  ])('finds a %s without one', (_kind, sdl, at) => {
    expect(findings(sdl)).toEqual([`user: ${at} has no description.`]);
  });

  it('finds one that only repeats the name', () => {
    expect(findings('"The sort key of a user." enum UserSortKey { "When it was made." CREATED_AT }')).toEqual([
      'user: the description of UserSortKey only repeats its name.',
    ]);
  });

  it('finds one that is no sentence', () => {
    expect(findings('"how warm a greeting is" enum Tone { "Without any warmth." COLD }')).toEqual([
      'user: the description of Tone is no sentence: it has no full stop.',
    ]);
  });

  it('leaves a foreign entity and its key to their owner, but not what is added to it', () => {
    const findings = lint(
      {
        user: '"Somebody with an account." type User implements Node @key(fields: "id") { "Unique everywhere." id: ID! }',
        cart: 'type User @key(fields: "id") { id: ID! cart: String }',
      },
      [rules.descriptions],
    );
    expect(findings).toEqual(['cart: User.cart has no description.']);
  });
});

describe('lists', () => {
  const findings = (sdl: string) => lint({ cart: sdl }, [rules.lists]);

  it('finds a list without a bound', () => {
    expect(findings('type Product { "Free words." tags: [String!]! }')).toEqual([
      'cart: Product.tags must be a connection, or say "At most …" in its description.',
    ]);
    expect(findings('type Product { "Free words. At most 20." tags: [String!]! }')).toEqual([]);
  });

  it('finds a list of entities whose size the cost estimate does not know', () => {
    const sdl = (size: string) => `
      type Category @key(fields: "id") { id: ID! "At most 100." children: [Category!]! ${size} }
    `;
    expect(findings(sdl(''))).toEqual(['cart: Category.children lists entities, so it needs @listSize.']);
    expect(findings(sdl('@listSize(assumedSize: 20)'))).toEqual([]);
  });

  it('finds a connection that is not sliced', () => {
    const connection = 'type LineConnection { edges: [String!]! nodes: [String!]! }';
    expect(findings(`type Cart { lines: LineConnection! } ${connection}`)).toEqual([
      'cart: Cart.lines must be sliced by first, and say so with @listSize.',
    ]);
    const sliced = 'lines(first: Int): LineConnection! @listSize(slicingArguments: ["first"])';
    expect(findings(`type Cart { ${sliced} } ${connection}`)).toEqual([]);
  });

  it('finds unbounded lists in arguments and input', () => {
    expect(findings('type Query { nodes(ids: [ID!]!): Int } input LinesInput { lines: [ID!]! }')).toEqual([
      'cart: Query.nodes(ids:) must say "At most …" in its description.',
      'cart: LinesInput.lines must say "At most …" in its description.',
    ]);
  });

  it('lets the errors of a payload be as many as there are', () => {
    expect(
      findings('type CartPayload { userErrors: [CartUserError!]! } type CartUserError { field: [String!] }'),
    ).toEqual([]);
  });
});

describe('naming', () => {
  const findings = (sdl: string) => lint({ order: sdl }, [rules.naming]);

  it.each([
    ['a type', 'type order_line { id: ID! }', 'order: order_line must be in PascalCase.'],
    ['a field', 'type Order { line_count: Int }', 'order: Order.line_count must be in camelCase.'],
    ['an argument', 'type Query { a(Id: ID): Int }', 'order: Query.a(Id:) must be in camelCase.'],
    ['an input field', 'input AInput { Id: ID }', 'order: AInput.Id must be in camelCase.'],
    ['an enum value', 'enum Tone { Cold }', 'order: Tone.Cold must be in SCREAMING_SNAKE_CASE.'],
    [
      'yes or no',
      'type Order { paid: Boolean! }',
      'order: Order.paid is yes or no, so its name begins with is, has or can.',
    ],
    ['an instant', 'type Order { placed: DateTime! }', 'order: Order.placed is an instant, so its name ends in At.'],
    ['an id', 'type Order { user: ID! }', 'order: Order.user is an id, so its name is id or ends in Id or Ids.'],
  ])('finds %s that is not named as its kind is', (_kind, sdl, finding) => {
    expect(findings(sdl)).toEqual([finding]);
  });

  it('finds a connection or an edge without its parts', () => {
    const page = 'edges: [Int!]! nodes: [Int!]! pageInfo: PageInfo!';
    expect(findings(`type OrderConnection { ${page} } type OrderEdge { cursor: String! node: Int }`)).toEqual([
      "order: OrderConnection must have totalCount, never null, as Relay's rules say.",
      "order: OrderEdge must have node, never null, as Relay's rules say.",
    ]);
  });

  it('finds a deprecation that names neither successor nor date', () => {
    expect(findings('type Order { state: Int @deprecated(reason: "old") }')).toHaveLength(1);
    const reason = 'Use status. Removal not before 2027-01-31.';
    expect(findings(`type Order { state: Int @deprecated(reason: "${reason}") }`)).toEqual([]);
  });
});

describe('nodes', () => {
  const host = (stubs: string) => `type Query { node(id: ID!): Node } interface Node { id: ID! } ${stubs}`;
  const order = 'type Order implements Node @key(fields: "id") { id: ID! }';
  const stub = 'type Order implements Node @key(fields: "id", resolvable: false) { id: ID! }';

  it('finds a Node type without a stub beside node(id:)', () => {
    expect(lint({ user: host(stub), order }, [rules.nodes])).toEqual([]);
    expect(lint({ user: host(''), order }, [rules.nodes])).toEqual([
      'Order implements Node, so the subgraph that answers node(id:) must have a stub of it.',
    ]);
  });

  it('finds a Node type whose ids have no prefix', () => {
    expect(lint({ user: host('type Wish implements Node @key(fields: "id") { id: ID! }') }, [rules.nodes])).toEqual([
      'Wish implements Node, so platform/src/id-prefixes.ts must give its ids a prefix.',
    ]);
  });

  it('finds a stub that stands for nothing', () => {
    const nobody = 'type Order @key(fields: "id") { id: ID! }';
    expect(lint({ user: host(stub), payment: nobody }, [rules.nodes])).toEqual([
      'Order implements Node, but no subgraph can resolve it.',
    ]);
  });
});

describe('nullability', () => {
  const user = 'type User implements Node @key(fields: "id") { id: ID! name: String! }';
  const findings = (order: string) => lint({ user, order }, [rules.nullability]);

  it('finds a root field that cannot be null', () => {
    expect(findings('type Query { orders: [Int!]! @public }')).toEqual([
      'order: Query.orders must be nullable: it is at the root, beside fields of other subgraphs.',
    ]);
  });

  it('finds a guarded field that cannot be null', () => {
    expect(findings('type Order { email: String! @authenticated }')).toEqual([
      'order: Order.email must be nullable: it is guarded.',
    ]);
    expect(findings('type Order { note: Note! } type Note @authenticated { text: String }')).toEqual([
      'order: Order.note must be nullable: it returns a guarded type.',
    ]);
  });

  it('finds a field contributed to a foreign entity that cannot be null', () => {
    expect(findings('type User @key(fields: "id") { id: ID! name: String! @external count: Int! }')).toEqual([
      'order: User.count must be nullable: it is contributed to an entity of another subgraph.',
    ]);
  });

  it('finds a field that leads to a foreign entity and cannot be null, itself or in its items', () => {
    const stub = 'type User @key(fields: "id", resolvable: false) { id: ID! }';
    expect(findings(`type Order { customer: User! watchers: [User!] } ${stub}`)).toEqual([
      'order: Order.customer must be nullable: it leads to an entity of another subgraph.',
      'order: Order.watchers must have nullable items: it leads to an entity of another subgraph.',
    ]);
  });

  it('leaves what only services meet as it is', () => {
    expect(findings('type Query { snapshot: String! @inaccessible }')).toEqual([]);
  });
});

describe('payloads', () => {
  const findings = (sdl: string) => lint({ payment: sdl }, [rules.payloads]);
  const payload = `
    type PayPayload { payment: Payment userErrors: [PaymentUserError!]! }
    type Payment { id: ID! }
    type PaymentUserError implements UserError { code: PaymentErrorCode! }
    enum PaymentErrorCode { DECLINED }
  `;

  it('accepts a mutation with its own input and payload', () => {
    const input = 'input PayInput { idempotencyKey: String! }';
    expect(findings(`type Mutation { pay(input: PayInput!): PayPayload } ${input} ${payload}`)).toEqual([]);
  });

  it('finds a mutation that returns something else', () => {
    expect(findings(`type Mutation { refund: PayPayload } ${payload}`)).toEqual([
      'payment: Mutation.refund must return RefundPayload.',
    ]);
  });

  it('finds an input beside other arguments', () => {
    const sdl = `type Mutation { pay(input: PayInput!, dryRun: Boolean): PayPayload } input PayInput { id: ID } ${payload}`;
    expect(findings(sdl)).toEqual(['payment: Mutation.pay must take its values as one argument, input, never null.']);
  });

  it('finds a payload without errors, and one whose thing cannot be null', () => {
    expect(findings('type PayPayload { payment: Payment! } type Payment { id: ID! }')).toEqual([
      'payment: PayPayload must have userErrors: [XUserError!]!.',
      'payment: PayPayload.payment must be nullable: a refusal has nothing to return.',
    ]);
  });

  it('finds an error without a code from an enum', () => {
    expect(findings('type PayUserError { code: String! }')).toEqual([
      'payment: PayUserError must implement UserError.',
      'payment: PayUserError must have a code, never null, from an enum.',
    ]);
  });

  it('finds an input that moves money and has no idempotency key', () => {
    expect(findings('input PaymentRefundInput { idempotencyKey: String }')).toEqual([
      'payment: PaymentRefundInput moves money or stock, so it must require an idempotencyKey.',
    ]);
  });
});

describe('rootMarks', () => {
  const findings = (payment: string) => lint({ payment }, [rules.rootMarks]);

  it('finds a mark that the gateway would not see', () => {
    expect(findings('type Mutation { pay: Int @sensitive } type Order { pay: Int @sensitive }')).toEqual([
      'payment: Order.pay is no root field, so @sensitive says nothing there.',
    ]);
  });
});

describe('liveFields', () => {
  const findings = (sdl: string) => lint({ order: sdl, user: 'type Query { user(id: ID): User }' }, [rules.liveFields]);
  const query = 'type Query { order(id: ID): Order @authenticated } type Order { id: ID! }';
  const subscription = (field: string) => `${query} type Subscription { ${field} }`;

  it('accepts a field that names its query', () => {
    expect(findings(subscription('changed(orderId: ID!): Order @authenticated @live(query: "order")'))).toEqual([]);
  });

  it.each([
    [
      'a subscription that the gateway cannot run',
      'changed(orderId: ID!): Order @authenticated',
      'order: Subscription.changed must be @live: the gateway runs no other subscription.',
    ],
    [
      'a query of another subgraph',
      'changed(orderId: ID!): Order @authenticated @live(query: "user")',
      'order: Subscription.changed must name a field of Query of its own subgraph, and Query.user is none.',
    ],
    [
      'more than an id',
      'changed(orderId: ID!, since: Int): Order @authenticated @live(query: "order")',
      'order: Subscription.changed must have one argument, an ID that is never null: what it names is listened to.',
    ],
    [
      'another answer',
      'changed(orderId: ID!): Int @authenticated @live(query: "order")',
      'order: Subscription.changed must return what Query.order does.',
    ],
    [
      'others who may',
      'changed(orderId: ID!): Order @public @live(query: "order")',
      'order: Subscription.changed must say the same about who may as Query.order.',
    ],
  ])('finds %s', (_, field, finding) => {
    expect(findings(subscription(field))).toEqual([finding]);
  });

  it('finds a mark that the gateway would not see', () => {
    expect(findings('type Query { order(id: ID): Int @live(query: "order") }')).toEqual([
      'order: Query.order is no field of Subscription, so @live says nothing there.',
    ]);
  });
});
