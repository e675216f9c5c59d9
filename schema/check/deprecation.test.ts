import { describe, expect, it } from 'vitest';
import { deprecationOf } from './deprecation.ts';

describe('a deprecation', () => {
  const on = (day: string) => deprecationOf('Use status. Removal not before 2027-01-31.', day);

  it('keeps its word until its day, and not longer', () => {
    expect(on('2027-01-30')).toEqual({ state: 'promised', until: '2027-01-31' });
    expect(on('2027-01-31')).toEqual({ state: 'due', since: '2027-01-31' });
  });

  it('means the day after by "after"', () => {
    const reason = 'Use status. Removed after 2027-01-31.';
    expect(deprecationOf(reason, '2027-01-31')).toEqual({ state: 'promised', until: '2027-02-01' });
    expect(deprecationOf(reason, '2027-02-01')).toEqual({ state: 'due', since: '2027-02-01' });
  });

  it.each([
    'Use status.',
    'Removal not before spring.',
    'Removal not before 2027-02-31.',
    'Removal not before 2027-13-01.',
  ])('without a day that exists promises none: %s', (reason) =>
    expect(deprecationOf(reason, '2030-01-01')).toEqual({ state: 'undated' }),
  );

  it('is none without a reason', () => {
    expect(deprecationOf(null, '2030-01-01')).toEqual({ state: 'none' });
  });
});
