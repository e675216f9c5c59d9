import { spawnSync } from 'node:child_process';
import { trace } from '@opentelemetry/api';
import { DrizzleQueryError } from 'drizzle-orm';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { traceThisTest } from '../test/tracing.ts';
import { createLogger, type FlatFacts, infoFlat, type Logger } from './logger.ts';

const lines: string[] = [];
const logger = createLogger('order', { level: 'debug', destination: { write: (line) => lines.push(line) } });
const last = () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown>;

beforeEach(() => {
  lines.length = 0;
});

describe('the logger', () => {
  test('writes one JSON line with level, instant, name, message and flat facts', () => {
    const at = new Date('2026-01-02T03:04:05.678Z');
    logger.info({ orderId: 'ordr_1', amountMinor: 1990n, lines: 3, at, roles: ['ADMIN'] }, 'order placed');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\n$/);
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      name: 'order',
      msg: 'order placed',
      orderId: 'ordr_1',
      amountMinor: '1990',
      lines: 3,
      at: at.toISOString(),
      roles: ['ADMIN'],
    });
  });

  test('a child carries the request id', () => {
    logger.child({ requestId: 'req-1' }).warn('slow');
    expect(last()).toMatchObject({ level: 'warn', requestId: 'req-1', name: 'order' });
  });

  test('adds the ids of the active span', () => {
    traceThisTest();
    const { traceId, spanId } = trace.getTracer('test').startActiveSpan('place order', (span) => {
      logger.info('within');
      span.end();
      return span.spanContext();
    });
    expect(last()).toMatchObject({ traceId, spanId });
    logger.info('without');
    expect(last()).not.toHaveProperty('traceId');
  });

  test('writes nothing below its level', () => {
    const quiet = createLogger('x', { level: 'silent', destination: { write: (line) => lines.push(line) } });
    quiet.fatal('nobody hears');
    expect(lines).toEqual([]);
  });
});

describe('the quick line of flat facts', () => {
  const text = fc.uint16Array({ maxLength: 120 }).map((units) => String.fromCharCode(...units));
  const tricky = fc.constantFrom(
    'quotes " and \\ and \n, \u0000, \u007f, \u2028',
    'half of a character: \ud83d, and \ude00',
    'Bearer s3cr3t.t',
    'my bearer abc==, and Bearer',
    'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln',
    'Failed query: …\nparams: 1,ann@example.com',
    "Duplicate entry 'ann@example.com' for key 'users_email'",
    '',
  );
  const value = fc.oneof(
    text,
    tricky,
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(undefined),
    fc.array(tricky, { maxLength: 3 }),
  );
  const name = fc.oneof(
    text,
    tricky,
    fc.constantFrom('requestId', '__proto__', 'constructor', 'toJSON', 'msg', 'time', '7'),
  );
  const someFacts = fc
    .array(fc.tuple(name, value), { maxLength: 8 })
    .map((entries) => Object.fromEntries(entries) as unknown as FlatFacts);

  /** What the logger writes of it, and what is to be the same. */
  function bothLines(to: Logger, facts: FlatFacts, message: string): [expected: string[], found: string[]] {
    lines.length = 0;
    to.info(facts, message);
    const expected = lines.splice(0);
    infoFlat(to, facts, message);
    return [expected, lines.splice(0)];
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is the same as the slow one, whatever it says', () => {
    fc.assert(
      fc.property(someFacts, fc.oneof(text, tricky), (facts, message) => {
        const [expected, found] = bothLines(logger, facts, message);
        expect(found).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    '2026-01-02T03:04:05.000Z',
    '2026-01-02T03:04:05.007Z',
    '2026-01-02T03:04:05.999Z',
    '1969-12-31T23:59:59.001Z',
  ])('says when that was: %s', (instant) => {
    vi.setSystemTime(new Date(instant));
    const [expected, found] = bothLines(logger, {}, 'x');
    expect(found).toEqual(expected);
    expect(JSON.parse(found[0] ?? '')).toMatchObject({ time: instant });
  });

  test('has what a child says in each line, and the trace', () => {
    const child = logger.child({ requestId: 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln', port: 4000 });
    traceThisTest();
    trace.getTracer('test').startActiveSpan('request', (span) => {
      const [expected, found] = bothLines(child, { status: 200, traceId: 'none', errorCodes: ['A', 'B'] }, 'x');
      expect(found).toEqual(expected);
      expect(found[0]).toContain('spanId');
      span.end();
    });
  });

  test('is not written below the level', () => {
    const quiet = createLogger('x', { level: 'warn', destination: { write: (line) => lines.push(line) } });
    expect(bothLines(quiet, { status: 200 }, 'x')).toEqual([[], []]);
  });
});

describe('a busy logger', () => {
  /** What a process wrote that logged this, and then ended so. */
  function written(program: string): string[] {
    const source = `import { createLogger, infoFlat } from ${JSON.stringify(new URL('./logger.ts', import.meta.url).href)};
      const logger = createLogger('gateway', { isBusy: true });
      ${program}`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8' });
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  }

  test('writes all lines in their order before its process ends', () => {
    expect(written("for (const line of ['line 1', 'line 2', 'line 3']) logger.info(line); process.exit(1);")).toEqual([
      'line 1',
      'line 2',
      'line 3',
    ]);
  });

  test('writes the line of an error, and what came before it, at once', () => {
    expect(written("logger.info('before'); logger.error('it'); process.kill(process.pid, 'SIGKILL');")).toEqual([
      'before',
      'it',
    ]);
  });

  test('does the same with quick lines', () => {
    expect(
      written(
        "logger.error('it'); infoFlat(logger, {}, 'before'); logger.error('it again'); process.kill(process.pid, 'SIGKILL');",
      ),
    ).toEqual(['it', 'before', 'it again']);
    expect(written("logger.error('it'); infoFlat(logger, {}, 'after'); process.kill(process.pid, 'SIGKILL');")).toEqual(
      ['it'],
    );
    expect(written("logger.error('it'); infoFlat(logger, {}, 'after'); process.exit();")).toEqual(['it', 'after']);
  });

  test('writes thousands of lines whole', () => {
    const program = "for (let line = 0; line < 5_000; line++) logger.info(line + 'ü'.repeat(50)); process.exit();";
    expect(written(program)).toEqual(Array.from({ length: 5_000 }, (_, line) => line + 'ü'.repeat(50)));
  });

  test('writes other lines a moment later', () => {
    expect(written("logger.info('it'); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500);")).toEqual(['it']);
  });
});

describe('nothing private is written', () => {
  test('objects are left out whole', () => {
    logger.info(
      { headers: { authorization: 'Bearer abc' }, variables: { password: 'pw' }, rows: [{ email: 'a@b.c' }] },
      'x',
    );
    expect(lines[0]).not.toMatch(/abc|pw|a@b\.c|headers|variables/);
  });

  test('secrets are censored by name, in facts and in a child', () => {
    logger.child({ token: 'sesame' }).info({ password: 'sesame', refreshToken: 'sesame' }, 'x');
    expect(lines[0]).not.toContain('sesame');
  });

  test('tokens are censored by their look, wherever they stand', () => {
    logger.info({ note: 'Bearer s3cr3t.t' }, 'got eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln');
    logger.error(new Error('refused Authorization: bearer s3cr3t'));
    expect(lines.join('')).not.toMatch(/s3cr3t|eyJ|c2ln/);
  });

  test('errors show type, code, message, stack and cause, but no value bound to SQL', () => {
    const cause = Object.assign(new Error("Duplicate entry 'ann@example.com' for key 'users_email'"), {
      code: 'ER_DUP_ENTRY',
      sql: "INSERT … 'ann@example.com'",
    });
    const error = new DrizzleQueryError('INSERT INTO users VALUES (?, ?)', ['ann@example.com', 'quo"ted\nline'], cause);
    logger.error(error);
    logger.error({ err: error }, 'sign-up failed');
    for (const line of lines) {
      expect(line).not.toMatch(/ann@example|quo/);
      expect(JSON.parse(line)).toMatchObject({
        err: {
          type: 'DrizzleQueryError',
          message: 'Failed query: INSERT INTO users VALUES (?, ?)',
          stack: expect.stringContaining('logger.test.ts'),
          cause: { code: 'ER_DUP_ENTRY', message: "Duplicate entry for key 'users_email'" },
        },
      });
    }
  });
});
