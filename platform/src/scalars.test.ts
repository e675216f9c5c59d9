import { buildSubgraphSchema } from '@apollo/subgraph';
import { type ExecutionResult, graphqlSync, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { scalarResolvers, scalarsFor } from './scalars.ts';

type Name = keyof typeof scalarResolvers;
const read = (name: Name, value: unknown): unknown => scalarResolvers[name].parseValue(value);
const write = (name: Name, value: unknown): unknown => scalarResolvers[name].serialize(value);

describe('what a client sends', () => {
  test.each<[Name, string, unknown]>([
    ['DateTime', '2026-01-31T09:30:00Z', new Date('2026-01-31T09:30:00.000Z')],
    ['DateTime', '2026-01-31T10:30:00.123456+01:00', new Date('2026-01-31T09:30:00.123Z')],
    ['DateTime', '2028-02-29T00:00:00Z', new Date('2028-02-29T00:00:00Z')],
    ['Decimal', '19.90', '19.90'],
    ['Decimal', '-0.5', '-0.5'],
    ['CurrencyCode', 'EUR', 'EUR'],
    ['URL', 'HTTPS://Example.com/a b', 'https://example.com/a%20b'],
    ['EmailAddress', ' Ann.O+shop@Example.com ', 'Ann.O+shop@Example.com'],
    ['CountryCode', 'DE', 'DE'],
    ['Locale', 'zh-hans-cn', 'zh-Hans-CN'],
  ])('%s reads %j', (name, text, value) => {
    expect(read(name, text)).toEqual(value);
  });

  test.each<[Name, unknown]>([
    ['DateTime', '2026-02-30T00:00:00Z'],
    ['DateTime', '2026-01-31'],
    ['DateTime', '2026-01-31T09:30:00'],
    ['DateTime', '2026-01-31T24:00:00Z'],
    ['DateTime', '0001-01-01T00:00:00Z'],
    ['DateTime', '9999-12-31T23:59:59-23:00'],
    ['DateTime', 1_700_000_000],
    ['DateTime', 'yesterday'],
    ['Decimal', 19.9],
    ['Decimal', '1e3'],
    ['Decimal', '00.1'],
    ['Decimal', '1'.repeat(41)],
    ['CurrencyCode', 'eur'],
    ['CurrencyCode', 'XXX'],
    ['CurrencyCode', '__proto__'],
    ['URL', 'javascript:alert(1)'],
    ['URL', 'java\nscript:alert(1)'],
    ['URL', 'data:text/html,x'],
    ['URL', '//example.com'],
    ['URL', 'https://user:pw@example.com'],
    ['URL', `https://example.com/${'a'.repeat(2_048)}`],
    ['EmailAddress', 'ann'],
    ['EmailAddress', 'ann@'],
    ['EmailAddress', 'ann@exa mple.com'],
    ['EmailAddress', 'ann@example.com\r\nBcc: all@example.com'],
    ['EmailAddress', `${'a'.repeat(65)}@example.com`],
    ['EmailAddress', `ann@${'a.'.repeat(130)}com`],
    ['CountryCode', 'de'],
    ['CountryCode', 'ZZ'],
    ['Locale', 'en_GB'],
    ['Locale', ''],
    ['Locale', null],
  ])('%s refuses %.60j', (name, value) => {
    expect(() => read(name, value)).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/^Expected an? .{10,80}\.$/),
        extensions: { code: 'BAD_USER_INPUT', retryable: false },
      }),
    );
  });
});

describe('what a resolver returns', () => {
  test('becomes text', () => {
    expect(write('DateTime', new Date(0))).toBe('1970-01-01T00:00:00.000Z');
    expect(write('DateTime', '1970-01-01T00:00:00Z')).toBe('1970-01-01T00:00:00.000Z');
    expect(write('Decimal', '19.90')).toBe('19.90');
    expect(write('URL', new URL('http://127.0.0.1:4001/media/1.svg'))).toBe('http://127.0.0.1:4001/media/1.svg');
  });

  test.each<[Name, unknown]>([
    ['Decimal', 19.9],
    ['DateTime', 0],
    ['URL', 'javascript:alert(1)'],
    ['CurrencyCode', 'ABC'],
  ])('%s does not let %j out', (name, value) => {
    expect(() => write(name, value)).toThrow(TypeError);
  });

  test('an invalid Date does not leave as text', () => {
    expect(() => write('DateTime', new Date(Number.NaN))).toThrow();
  });
});

describe('in a schema', () => {
  const typeDefs =
    'scalar CurrencyCode scalar DateTime type Query { echo(code: CurrencyCode, at: DateTime): CurrencyCode }';
  const echo = (_: unknown, { code }: { code: string }) => code;
  const schema = buildSubgraphSchema([
    { typeDefs: parse(typeDefs), resolvers: { ...scalarsFor(typeDefs), Query: { echo } } },
  ]);
  const run = (source: string, code?: unknown): ExecutionResult =>
    graphqlSync({ schema, source, variableValues: { code } });

  test('only the declared scalars are given', () => {
    expect(Object.keys(scalarsFor(typeDefs)).sort()).toEqual(['CurrencyCode', 'DateTime']);
    expect(scalarsFor(parse('type Query { a: Int }'))).toEqual({});
    expect(() => scalarsFor('scalar JSON scalar toString')).toThrow('got JSON, toString');
  });

  test('a good literal and a good variable pass', () => {
    expect(run('{ echo(code: "EUR") }')).toEqual({ data: { echo: 'EUR' } });
    expect(run('query ($code: CurrencyCode) { echo(code: $code) }', 'EUR')).toEqual({ data: { echo: 'EUR' } });
  });

  test.each(['"euro"', '5', 'EUR', '{ a: 1 }', '["EUR"]'])(
    'the literal %s is refused with its place and a code',
    (literal) => {
      const [error] = validate(schema, parse(`{ echo(code: ${literal}) }`));
      expect(error?.toJSON()).toMatchObject({
        message: 'Expected an ISO 4217 currency code such as EUR.',
        locations: [{ line: 1, column: 14 }],
        extensions: { code: 'BAD_USER_INPUT' },
      });
    },
  );

  test('a bad variable is refused with a code', () => {
    const { errors } = run('query ($code: CurrencyCode) { echo(code: $code) }', 'euro');
    expect(errors?.[0]?.toJSON()).toMatchObject({
      message: 'Variable "$code" got invalid value "euro"; Expected an ISO 4217 currency code such as EUR.',
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });
});
