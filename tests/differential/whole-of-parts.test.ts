import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { faultIn, together, typesIn } from './whole-of-parts.ts';

const schema = buildSchema(
  'type Query { books: [Book!] } type Book { title: String, author: Author! } type Author { name: String! }',
);
const types = typesIn(schema, { query: '{ books { title author { name } } }', variables: {} });
const part = (path: (string | number)[], data: object | null) => ({
  incremental: [{ path, data: data as never }],
  hasNext: false,
});

describe('parts put together', () => {
  it('have what each of them has', () => {
    const whole = together({ books: [{ title: 'a' }] }, [part(['books', 0], { author: { name: 'b' } })], types);
    expect(whole).toEqual({ books: [{ title: 'a', author: { name: 'b' } }] });
  });

  it('have a null where one of them has it, whichever comes first', () => {
    const [lost, found] = [part([], { books: null }), part([], { books: [{ title: 'a' }] })];
    expect(together({}, [lost, found], types)).toEqual({ books: null });
    expect(together({}, [found, lost], types)).toEqual({ books: null });
  });

  it('have a null around a part that is null where none may be', () => {
    const whole = together({ books: [{ title: 'a', author: {} }] }, [part(['books', 0, 'author'], null)], types);
    expect(whole).toEqual({ books: null });
  });
});

describe('a part', () => {
  const told = (path: (string | number)[]) => [
    {
      incremental: [
        { path: ['books', 0], data: {}, errors: [{ message: 'Lost.', path }] as never },
        { path: ['books', 1], data: {} },
      ],
      hasNext: false,
    },
  ];

  it('may tell of what is in it, and of what is in none', () => {
    expect(faultIn(told(['books', 0, 'title']))).toBeUndefined();
    expect(faultIn(told(['books', 2, 'title']))).toBeUndefined();
  });

  it('may not tell of what is in another one', () => {
    expect(faultIn(told(['books', 1, 'title']))).toMatch('other places');
  });
});
