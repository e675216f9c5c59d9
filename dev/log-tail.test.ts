import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followLog, lastWords, troubleIn } from './log-tail.ts';

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'souk-log-'));
  file = join(folder, 'service.log');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('following a log', () => {
  it('gives every line once and whole, from the first on', async () => {
    writeFileSync(file, 'one\ntwo');
    const lines: string[] = [];
    const log = followLog(file, (line) => lines.push(line));
    await expect.poll(() => lines).toEqual(['one']);
    appendFileSync(file, ' halves\n三\n');
    log.stop();
    expect(lines).toEqual(['one', 'two halves', '三']);
  });
});

describe('a line of a log', () => {
  it('is told when it is a warning or worse, with its reason', () => {
    expect(troubleIn('{"level":"warn","msg":"will try again","err":{"message":"refused\\nat once"}}')).toEqual({
      level: 'warn',
      text: 'will try again: refused',
    });
    expect(troubleIn('{"level":"fatal","msg":"stopping"}')).toEqual({ level: 'error', text: 'stopping' });
  });

  it('is not told when it is milder, or no entry at all', () => {
    expect(troubleIn('{"level":"info","msg":"ready"}')).toBeUndefined();
    expect(troubleIn('Node.js v26')).toBeUndefined();
  });
});

describe('the last words of a service', () => {
  it('are its last lines, without the frames of Node itself', () => {
    writeFileSync(
      file,
      [
        '{"level":"info","msg":"ready"}',
        '{"level":"fatal","msg":"stopping","err":{"message":"boom","stack":"Error: boom\\n    at work (file:///souk/work.ts:1:1)\\n    at run (node:internal/run:1:1)"}}',
      ].join('\n'),
    );
    expect(
      lastWords(file)
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['info: ready', 'fatal: stopping', 'Error: boom', 'at work (file:///souk/work.ts:1:1)']);
  });
});
