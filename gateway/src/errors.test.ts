import { SoukError } from '@souk/platform/errors';
import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { formatError } from './errors.ts';

const format = (message: string, extensions: Record<string, unknown>) => {
  const error = new GraphQLError(message, { extensions });
  return formatError(error.toJSON(), error);
};

describe('an error that leaves', () => {
  it.each([
    ['BAD_USER_INPUT', 'BAD_USER_INPUT'],
    ['DOWNSTREAM_SERVICE_ERROR', 'SUBGRAPH_UNAVAILABLE'],
    ['SOMETHING_ELSE', 'INTERNAL_SERVER_ERROR'],
    ['constructor', 'INTERNAL_SERVER_ERROR'],
    ['__proto__', 'INTERNAL_SERVER_ERROR'],
    [undefined, 'INTERNAL_SERVER_ERROR'],
  ])('with the code %s has the code %s', (code, expected) => {
    expect(format('why', { code }).extensions?.['code']).toBe(expected);
  });

  it('has no extension but the known ones, and no word of the unexpected', () => {
    const { message, extensions } = format('SELECT at 10.0.0.7', { serviceName: 'user', stacktrace: ['at x'] });
    expect(message).toBe('Something went wrong on our side.');
    expect(Object.keys(extensions ?? {}).sort()).toEqual(['code', 'requestId', 'retryable']);
  });

  it('does not repeat a long value whole, and gives no hints', () => {
    const { message } = format(`Variable "$n" got invalid value "${'x'.repeat(100_000)}"`, { code: 'BAD_USER_INPUT' });
    expect(message.length).toBeLessThan(1_000);
    expect(format('No field "a". Did you mean "b"?', { code: 'GRAPHQL_VALIDATION_FAILED' }).message).toBe(
      'No field "a".',
    );
  });

  it('says when to try again where that is known', () => {
    const busy = new SoukError('RATE_LIMITED', 'Wait.', { retryable: true, retryAfterMs: 5 });
    const error = new GraphQLError('Wait.', { originalError: busy, path: ['a'] });
    expect(formatError(error.toJSON(), error).extensions).toMatchObject({
      code: 'RATE_LIMITED',
      retryable: true,
      retryAfterMs: 5,
    });
  });
});
