import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { lastLines } from './problem.ts';

const POLL_MS = 250;
const CHUNK_BYTES = 64 * 1024;

/**
 * Reads a log file line by line, and goes on as it grows. A service writes straight into its file, so that not even its last words are lost
 * when its parent is gone; this is how the parent reads along.
 */
export function followLog(file: string, onLine: (line: string) => void): { stop(): void } {
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let position = 0;
  let rest = '';

  function read(): void {
    if (!existsSync(file)) return;
    const descriptor = openSync(file, 'r');
    try {
      for (;;) {
        const count = readSync(descriptor, chunk, 0, CHUNK_BYTES, position);
        if (count === 0) return;
        position += count;
        const lines = (rest + decoder.write(chunk.subarray(0, count))).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.trim()) onLine(line);
      }
    } finally {
      closeSync(descriptor);
    }
  }

  const timer = setInterval(read, POLL_MS);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      read();
    },
  };
}

/** A line of a service's log, as far as a person at a terminal wants it. */
export interface LogEntry {
  level: 'warn' | 'error';
  text: string;
}

/** The warning or error in a line; undefined for everything milder. What is not JSON comes from Node itself, and then it is no good news. */
export function troubleIn(line: string): LogEntry | undefined {
  const entry = parse(line);
  if (!entry) return undefined;
  if (entry['level'] !== 'warn' && entry['level'] !== 'error' && entry['level'] !== 'fatal') return undefined;
  const cause = entry['err'];
  const reason =
    typeof cause === 'object' && cause && 'message' in cause ? `: ${String(cause.message).split('\n')[0]}` : '';
  return { level: entry['level'] === 'warn' ? 'warn' : 'error', text: `${entry['msg'] ?? 'no message'}${reason}` };
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The end of a log, as it is shown when its service died: entries in words, and stacks without the frames of Node itself. */
export function lastWords(file: string, count = 12): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : '';
  const lines = text
    .split('\n')
    .slice(-5 * count)
    .flatMap((line) => readable(line).split('\n'));
  return lastLines(lines.filter((line) => !/^\s+at .*\(?node:/.test(line)).join('\n'), count);
}

function readable(line: string): string {
  const entry = parse(line);
  if (!entry) return line;
  const cause = entry['err'];
  const stack = typeof cause === 'object' && cause && 'stack' in cause ? `\n${String(cause.stack)}` : '';
  return `${entry['level']}: ${entry['msg'] ?? ''}${stack}`;
}
