import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  durationMs,
  EnvironmentError,
  flag,
  integer,
  json,
  jwk,
  oneOf,
  port,
  readEnvironment,
  text,
  url,
} from './env.ts';

const shape = {
  PORT: port(),
  DATABASE_URL: url(['mysql:'], 'mysql://user:password@127.0.0.1:3306/souk_order'),
  ORDER_EXPIRY: durationMs().default(600_000),
  SIGNING_KEY: jwk().optional(),
};
const good = { PORT: '4001', DATABASE_URL: 'mysql://a:b@localhost/souk' };

function faultsOf(source: Record<string, string | undefined>): Readonly<Record<string, string>> {
  try {
    readEnvironment(shape, source);
  } catch (error) {
    if (error instanceof EnvironmentError) return error.faults;
    throw error;
  }
  return {};
}

describe('the environment', () => {
  test('is parsed to values, with defaults, and nothing else', () => {
    expect(readEnvironment(shape, { ...good, ORDER_EXPIRY: '90s', HOME: '/root' })).toEqual({
      PORT: 4001,
      DATABASE_URL: 'mysql://a:b@localhost/souk',
      ORDER_EXPIRY: 90_000,
    });
    expect(readEnvironment(shape, good).ORDER_EXPIRY).toBe(600_000);
  });

  test('reports all faults at once, in words, without repeating a value', () => {
    const read = () =>
      readEnvironment(shape, { PORT: '99999', DATABASE_URL: 'postgres://u:hunter2@h/d', SIGNING_KEY: '{' });
    expect(read).toThrowErrorMatchingInlineSnapshot(`
      [EnvironmentError: The environment has 3 faults:
        PORT          is not valid. Expected a port number from 1 to 65535, for example 4001.
        DATABASE_URL  is not valid. Expected a URL such as mysql://user:password@127.0.0.1:3306/souk_order
        SIGNING_KEY   is not valid. Expected a JSON Web Key on one line, such as {"kty":"OKP","crv":"Ed25519",…}.
      Set them in the environment or in .env; .env.example shows every variable with a value that works.]
    `);
    expect(read).not.toThrow(/hunter2|99999/);
  });

  test('counts an empty variable as missing, and lets a default stand in for it', () => {
    expect(faultsOf({ ...good, PORT: '  ', ORDER_EXPIRY: '' })).toEqual({
      PORT: expect.stringMatching(/^is missing\. Expected a port/),
    });
  });

  test('refuses sample secrets in production only', () => {
    const sample = { ...good, DATABASE_URL: 'mysql://souk:change-me@localhost/souk' };
    expect(faultsOf(sample)).toEqual({});
    expect(faultsOf({ ...sample, NODE_ENV: 'production' })).toEqual({
      DATABASE_URL: expect.stringContaining('sample'),
    });
    expect(faultsOf({ ...good, NODE_ENV: 'production' })).toEqual({});
  });

  test('refuses in production what tests break things with', () => {
    const broken = { ...good, CRASH_AT: 'checkout.begun:1', GUARDS_OFF: 'inbox', FAULT_CONTROL: '4000' };
    expect(faultsOf(broken)).toEqual({});
    expect(Object.keys(faultsOf({ ...broken, NODE_ENV: 'production' }))).toEqual([
      'CRASH_AT',
      'GUARDS_OFF',
      'FAULT_CONTROL',
    ]);
  });
});

describe('a variable', () => {
  const kinds = {
    port: port(),
    url: url(['http:', 'https:'], 'https://example.com'),
    duration: durationMs(),
    integer: integer(1, 64),
    flag: flag(),
    oneOf: oneOf(['server', 'worker', 'all']),
    json: json(z.array(z.string()), 'Expected a list.'),
    jwk: jwk(),
    text: text('Expected a name.'),
  };
  const read = (kind: keyof typeof kinds, value: string) => readEnvironment({ X: kinds[kind] }, { X: value }).X;

  test.each([
    ['port', '65535', 65_535],
    ['url', 'https://a.example/b', 'https://a.example/b'],
    ['duration', '250ms', 250],
    ['duration', '7d', 604_800_000],
    ['integer', '64', 64],
    ['flag', 'false', false],
    ['oneOf', 'worker', 'worker'],
    ['json', '["a"]', ['a']],
    ['jwk', '{"kty":"OKP","x":"1"}', { kty: 'OKP', x: '1' }],
    ['text', ' a ', 'a'],
  ] as const)('%s reads %j', (kind, value, expected) => {
    expect(read(kind, value)).toEqual(expected);
  });

  test.each([
    ['port', '0'],
    ['port', '70000'],
    ['port', '1e3'],
    ['url', 'javascript:alert(1)'],
    ['url', 'localhost'],
    ['duration', '10'],
    ['duration', '-1s'],
    ['integer', '65'],
    ['integer', '1.5'],
    ['flag', 'yes'],
    ['oneOf', 'both'],
    ['json', '{}'],
    ['jwk', 'null'],
  ] as const)('%s refuses %j', (kind, value) => {
    expect(() => read(kind, value)).toThrow(EnvironmentError);
  });
});
