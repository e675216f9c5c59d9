import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Child, startChild } from './child.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'souk-child-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const logFile = () => join(folder, 'child.log');

async function start(program: string): Promise<Child> {
  rmSync(logFile(), { force: true });
  const child = startChild({ name: 'child', command: process.execPath, args: ['--eval', program], logFile: logFile() });
  while (child.isRunning() && !readFileSync(logFile(), 'utf8').includes('up')) await delay(10);
  return child;
}

describe('a child process', () => {
  it('is asked to stop and has time to', async () => {
    const child = await start(`
      process.on('SIGTERM', () => setTimeout(() => { console.log('tidy'); process.exit(0); }, 50));
      setInterval(() => {}, 1000); console.log('up');`);
    await child.stop();
    expect(await child.ended).toBe('ended with exit code 0');
    expect(readFileSync(logFile(), 'utf8')).toContain('tidy');
  });

  it('is killed when it does not listen', async () => {
    const child = await start(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up');`);
    await child.stop(100);
    expect(await child.ended).toBe('was ended by SIGKILL');
  });

  it('is stopped even when it was frozen', async () => {
    const child = await start(`setInterval(() => {}, 1000); console.log('up');`);
    process.kill(child.pid, 'SIGSTOP');
    await child.stop();
    expect(await child.ended).toBe('was ended by SIGTERM');
  });

  it('tells why it could not be started', async () => {
    const child = startChild({ name: 'child', command: '/nowhere/program', args: [], logFile: logFile() });
    expect(await child.ended).toMatch(/^could not be started \(.*ENOENT/);
    expect(child.isRunning()).toBe(false);
    await child.stop();
  });
});
