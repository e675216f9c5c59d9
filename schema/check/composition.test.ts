import { describe, expect, it } from 'vitest';
import { composeContracts } from './composition.ts';
import { explain, explanations } from './explanations.ts';
import { type Edits, graph } from './test-graph.ts';

/** Mistakes that people make, the code they are told, and the line that they should look at. */
const mistakes: [title: string, code: string, edits: Edits, file: string, line: string][] = [
  [
    'a type that is not there',
    'INVALID_GRAPHQL',
    { order: [['customer: User', 'customer: Usr']] },
    'order',
    'customer: Usr',
  ],
  [
    'a bracket that is missing',
    'INVALID_GRAPHQL',
    { order: [['total: Money!', 'total: [Money!']] },
    'order',
    'customer: User',
  ],
  [
    'one field, two subgraphs',
    'INVALID_FIELD_SHARING',
    { order: [['orderCount: Int', 'orderCount: Int subtitle: String']] },
    'catalog',
    'subtitle: String',
  ],
  [
    'one field, two types',
    'FIELD_TYPE_MISMATCH',
    { order: [['orderCount: Int', 'orderCount: Int subtitle: Int']] },
    'catalog',
    'subtitle: String',
  ],
  [
    'one argument, two types',
    'FIELD_ARGUMENT_TYPE_MISMATCH',
    { order: [['order(id: ID!): Order @owned', 'order(id: ID!): Order @owned item(id: Int!): Int @shareable']] },
    'catalog',
    'item(id: ID!)',
  ],
  [
    'a key that is no field',
    'KEY_INVALID_FIELDS',
    { order: [['type Order @key(fields: "id")', 'type Order @key(fields: "number")']] },
    'order',
    'type Order',
  ],
  [
    'a key on an interface',
    'KEY_FIELDS_SELECT_INVALID_TYPE',
    {
      catalog: [
        ['type Brand implements Item @key(fields: "id")', 'type Brand implements Item @key(fields: "item { id }")'],
        ['country: String', 'item: Item country: String'],
      ],
    },
    'catalog',
    'type Brand',
  ],
  [
    '@external for nothing',
    'EXTERNAL_UNUSED',
    { order: [['orderCount: Int', 'orderCount: Int subtitle: String @external']] },
    'order',
    'subtitle: String @external',
  ],
  [
    '@external of another type',
    'EXTERNAL_TYPE_MISMATCH',
    { order: [['orderCount: Int', 'orderCount: Int @requires(fields: "subtitle") subtitle: Int @external']] },
    'order',
    'subtitle: Int @external',
  ],
  [
    '@requires of what is not there',
    'REQUIRES_INVALID_FIELDS',
    { order: [['orderCount: Int', 'orderCount: Int @requires(fields: "depth")']] },
    'order',
    'orderCount: Int @requires',
  ],
  [
    '@requires of one’s own',
    'REQUIRES_FIELDS_MISSING_EXTERNAL',
    { order: [['orderCount: Int', 'shelf: Int orderCount: Int @requires(fields: "shelf")']] },
    'order',
    'orderCount: Int @requires',
  ],
  [
    '@provides of what is not there',
    'PROVIDES_INVALID_FIELDS',
    { order: [['customer: User', 'customer: User @provides(fields: "rank")']] },
    'order',
    'customer: User @provides',
  ],
  [
    '@provides of one’s own',
    'PROVIDES_FIELDS_MISSING_EXTERNAL',
    { user: [['name: String!', 'name: String! friend: User @provides(fields: "name")']] },
    'user',
    'friend: User',
  ],
  [
    'one name, two kinds',
    'TYPE_KIND_MISMATCH',
    {
      order: [
        ['enum Speed', 'enum Brand { A } enum Speed'],
        ['customer: User', 'customer: User brand: Brand'],
      ],
    },
    'order',
    'enum Brand',
  ],
  [
    'an enum that differs',
    'ENUM_VALUE_MISMATCH',
    {
      catalog: [
        ['interface Item', 'enum Speed { NORMAL } interface Item'],
        ['subtitle: String', 'subtitle(speed: Speed): String speed: Speed'],
      ],
      order: [['customer: User', 'customer: User speed: Speed']],
    },
    'order',
    'enum Speed',
  ],
  [
    'an argument that one subgraph lacks',
    'REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH',
    {
      catalog: [['subtitle: String', 'rank(of: Int!): Int @shareable']],
      order: [['orderCount: Int', 'rank: Int @shareable']],
    },
    'catalog',
    'rank(of: Int!)',
  ],
  [
    'what nobody can find',
    'SATISFIABILITY_ERROR',
    {
      order: [
        ['type Product @key(fields: "id") @public { id: ID!', 'type Product @key(fields: "code") @public { code: ID!'],
      ],
    },
    'order',
    'orderCount: Int',
  ],
  [
    'what clients see returns what they do not',
    'REFERENCED_INACCESSIBLE',
    { order: [['enum OrderStatus', 'enum OrderStatus @inaccessible']] },
    'order',
    'status: OrderStatus!',
  ],
  [
    'what the storefront sees takes what only staff do',
    'REFERENCED_INACCESSIBLE',
    { order: [['enum OrderStatus', 'enum OrderStatus @tag(name: "admin")']] },
    'order',
    'status: OrderStatus!',
  ],
  [
    'a size by no argument',
    'LIST_SIZE_INVALID_SLICING_ARGUMENT',
    { catalog: [['slicingArguments: ["first"]', 'slicingArguments: ["last"]']] },
    'catalog',
    'found(',
  ],
  [
    'nullability that differs',
    'INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE',
    { catalog: [['subtitle: String', 'rank: Int @shareable']], order: [['orderCount: Int', 'rank: Int! @shareable']] },
    'catalog',
    'rank: Int',
  ],
];

describe('a graph that does not compose', () => {
  it.each(mistakes)('because of %s (%s) is explained, and the line is shown', (_title, code, edits, file, text) => {
    const { subgraphs } = graph('after', edits);
    const { findings } = composeContracts(subgraphs);
    const finding = findings.find((candidate) => candidate.code === code);
    expect(findings.map((candidate) => candidate.code)).toContain(code);
    expect(finding?.cause).not.toBe(explain('NO_SUCH_CODE').cause);
    expect(finding?.fix).toMatch(/\.$/);
    const lines = finding?.places.map((place) => lineAt(subgraphs, place));
    expect(
      lines?.some((line) => line?.includes(text)),
      `${finding?.message} at ${JSON.stringify(lines)}`,
    ).toBe(true);
    expect(finding?.places.some((place) => place.file === `schema/${file}.graphql`)).toBe(true);
  });

  it('gives no contract, unless it is only a hint that subgraphs drift apart', () => {
    const broken = graph('after', { order: [['orderCount: Int', 'orderCount: Int subtitle: String']] });
    const unused = graph('after', { order: [['enum Speed', 'enum Spare { A } enum Speed']] });
    expect(Object.keys(composeContracts(broken.subgraphs).contracts)).toEqual([]);
    const { contracts, findings } = composeContracts(unused.subgraphs);
    expect(Object.keys(contracts)).toEqual(['storefront', 'admin']);
    expect(findings.map(({ code }) => code)).toEqual(['UNUSED_ENUM_TYPE']);
  });

  it('names each reason once, with the contracts that have it', () => {
    const all = composeContracts(
      graph('after', { order: [['enum OrderStatus', 'enum OrderStatus @inaccessible']] }).subgraphs,
    );
    const some = composeContracts(
      graph('after', { order: [['enum OrderStatus', 'enum OrderStatus @tag(name: "admin")']] }).subgraphs,
    );
    expect(all.findings.map(({ contracts }) => contracts)).toEqual([['storefront', 'admin']]);
    expect(some.findings.map(({ contracts }) => contracts)).toEqual([['storefront']]);
  });
});

describe('explanations', () => {
  it('say for each code why it comes up and what to do, in sentences', () => {
    for (const [code, { cause, fix }] of Object.entries(explanations)) {
      expect(cause, code).toMatch(/^[A-Z@].*\.$/s);
      expect(fix, code).toMatch(/^[A-Z].*\.$/s);
    }
  });
});

describe('a graph that composes', () => {
  it('gives every contract, without complaint from the second composer', () => {
    const { contracts, findings } = composeContracts(graph('before', {}).subgraphs);
    expect(findings).toEqual([]);
    expect(contracts.admin?.api).toContain('roles: [String!]');
    expect(contracts.storefront?.api).not.toContain('roles: [String!]');
    expect(contracts.storefront?.supergraph).toContain('join__Graph');
  });
});

function lineAt(subgraphs: ReturnType<typeof graph>['subgraphs'], { file, line }: { file: string; line: number }) {
  const part = subgraphs.flatMap(({ parts }) => parts).find((candidate) => candidate.file === file);
  return part?.text.split('\n')[line - 1];
}
