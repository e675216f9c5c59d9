import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { countTokens, type DocumentLimits, defaultDocumentLimits, guardDocument } from './document-guard.ts';

const sensitive = new Set(['signIn', 'orderPlace']);

function refusalOf(text: string, limits: Partial<DocumentLimits> = {}): string | null {
  try {
    countTokens(text, { ...defaultDocumentLimits, ...limits });
    guardDocument(parse(text), { ...defaultDocumentLimits, ...limits }, sensitive);
    return null;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');
const nested = (depth: number, leaf = '__typename') => `${'a{'.repeat(depth - 1)}${leaf}${'}'.repeat(depth - 1)}`;

/** Fragments that each spread the next one twice. */
const doubled = (levels: number) =>
  `query { viewer { ...F0 } } ${times(levels, (i) => `fragment F${i} on User { ${i + 1 < levels ? `...F${i + 1} ...F${i + 1}` : 'id'} }`)}`;

describe('a document', () => {
  it.each<[string, (size: number) => string, number]>([
    ['tokens', (size) => `{ a(b: [${times(size - 9, String)}]) }`, 1_000],
    ['characters in a name', (size) => `{ ${'a'.repeat(size)} }`, 100],
    ['characters in an alias', (size) => `{ ${'a'.repeat(size)}: b }`, 100],
    ['levels', (size) => `{ ${nested(size)} }`, 12],
    ['levels, through fragments', (size) => `{ a { ...F } } fragment F on A { ${nested(size - 1)} }`, 12],
    ['aliases', (size) => `{ a { ${times(size, (i) => `b${i}: b`)} } }`, 15],
    [
      'aliases, through fragments',
      (size) =>
        `{ a { ...F } b { ${times(size - 10, (i) => `c${i}: c`)} } } fragment F on A { ${times(10, (i) => `d${i}: d`)} }`,
      15,
    ],
    ['root fields', (size) => `{ ${times(size, (i) => `a${i}`)} }`, 10],
    [
      'root fields, through fragments',
      (size) => `{ ...F ... { ${times(size - 4, (i) => `a${i}`)} } } fragment F on Query { b c d e }`,
      10,
    ],
    [
      'root fields, over several operations',
      (size) => `query A { ${times(size - 5, (i) => `a${i}`)} } query B { a b c d e }`,
      10,
    ],
    ['directives', (size) => `{ a { ${times(size, () => 'b @include(if: true)')} } }`, 20],
    ['directives of one field', (size) => `{ a ${times(size, () => '@x')} }`, 20],
    [
      'directives of operations, variables and fragments',
      (size) => `query ($a: Int @x) @x { ...F @x } fragment F on Query @x { a ${times(size - 4, () => '@x')} }`,
      20,
    ],
    [
      'sensitive fields',
      (size) => `mutation { cartClear ${times(size, (i) => (i === 0 ? 'signIn' : 'orderPlace'))} }`,
      1,
    ],
    ['times the same sensitive field', (size) => `mutation { ${times(size, (i) => `s${i}: signIn`)} }`, 1],
    [
      'sensitive fields, through fragments',
      (size) => `mutation { ${times(size, () => '...F')} } fragment F on Mutation { signIn }`,
      1,
    ],
    ['times the whole schema', (size) => `{ ${times(size, (i) => `s${i}: __schema { types { name } }`)} }`, 1],
    [
      'times the whole schema, through fragments',
      (size) => `{ ${times(size, () => '...F')} } fragment F on Query { ...G } fragment G on Query { __schema { a } }`,
      1,
    ],
    ['types by their names', (size) => `{ __schema { a } ${times(size, (i) => `t${i}: __type(name: "A") { b }`)} }`, 7],
    [
      'types by their names, through fragments',
      (size) =>
        `{ ...F ... { ${times(size - 3, (i) => `t${i}: __type(name: "A") { b }`)} } } fragment F on Query { ${times(3, (i) => `u${i}: __type(name: "A") { b }`)} }`,
      7,
    ],
  ])('may have so many %s, and not one more', (_, document, most) => {
    expect(refusalOf(document(most))).toBe(null);
    expect(refusalOf(document(most + 1))).toBe('OPERATION_LIMIT_EXCEEDED');
  });

  it('may select so much, and no more, once its fragments stand where they are spread', () => {
    const document = (own: number) =>
      `{ a { ...F ...F ...F ${times(own, () => 'b')} } } fragment F on A { ${times(300, () => 'c')} }`;
    expect(refusalOf(document(1_000 - 904))).toBe(null);
    expect(refusalOf(document(1_000 - 903))).toBe('OPERATION_LIMIT_EXCEEDED');
  });

  it.each([7, 12, 60])('of %i levels of doubled fragments is measured without being expanded', (levels) => {
    expect(refusalOf(doubled(levels))).toBe(levels < 9 ? null : 'OPERATION_LIMIT_EXCEEDED');
  });

  it.each([
    ['itself', '{ ...A } fragment A on Query { a ...A }'],
    ['itself, further inside', '{ ...A } fragment A on Query { a { b { ...A } } }'],
    ['another that contains it', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...B }'],
  ])('with a fragment that contains %s is refused', (_, document) => {
    expect(refusalOf(document)).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it.each([
    ['selections', `${'{a'.repeat(2_000)}${'}'.repeat(2_000)}`],
    ['lists in an argument', `{ a(b: ${'['.repeat(2_000)}${']'.repeat(2_000)}) }`],
    ['inline fragments', `{${'...{'.repeat(1_600)}a${'}'.repeat(1_600)}}`],
    ['fragments', `{ ...F0 } ${times(600, (i) => `fragment F${i} on A { ...F${i + 1} }`)}`],
  ])('nested as deep in %s as the most generous limit of tokens permits does not exhaust the stack', (_, document) => {
    expect(refusalOf(document, { tokens: 5_000, selections: 5_000 })).toBeOneOf([null, 'OPERATION_LIMIT_EXCEEDED']);
  });

  it('may have so many brackets in brackets, and no more', () => {
    const lists = (deep: number) => `{ a(b: ${'['.repeat(deep)}${']'.repeat(deep)}) }`;
    expect(refusalOf(lists(198))).toBe(null);
    expect(refusalOf(lists(199))).toBe('OPERATION_LIMIT_EXCEEDED');
  });

  it('is not read further than to its first token too many', () => {
    expect(() => countTokens(`{ ${times(1_000, () => 'a')} § }`, defaultDocumentLimits)).toThrow('too long');
  });

  it('is never told the limits', () => {
    for (const document of [`{ ${nested(13)} }`, `{ ${times(11, () => 'a')} }`, doubled(12)]) {
      expect(() => guardDocument(parse(document), defaultDocumentLimits, sensitive)).toThrow(/^\D+$/);
    }
  });
});

describe('a document that asks for the schema', () => {
  const explorer = getIntrospectionQuery({
    inputValueDeprecation: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
  });

  it('may be as deep as explorers ask', () => {
    expect(refusalOf(explorer)).toBe(null);
    expect(refusalOf('{ __typename }')).toBe(null);
  });

  it('has bounds of its own', () => {
    const deep = (depth: number) => `{ __schema { types { fields { type { ${nested(depth - 4)} } } } } }`;
    expect(refusalOf(deep(20))).toBe(null);
    expect(refusalOf(deep(21))).toBe('OPERATION_LIMIT_EXCEEDED');
  });

  it('has the bounds of all others as soon as it asks for something else', () => {
    expect(refusalOf(explorer.replace('{', '{ viewer { id }'))).toBe('OPERATION_LIMIT_EXCEEDED');
  });
});
