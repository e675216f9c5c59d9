import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineAnswers, removeVolumes, startInDocker } from './docker-store.ts';
import { redisStore } from './redis-store.ts';

/** A stand-in for the Docker client: it notes what it was asked for, and "runs" a Redis of this machine on the port it should publish. */
const STAND_IN = `#!/bin/sh
echo "$@" >> "$(dirname "$0")/calls"
[ "$1" = run ] || exit 0
for word in "$@"; do
  case "$word" in 127.0.0.1:*:6379) port=\${word#127.0.0.1:}; port=\${port%:6379} ;; esac
done
exec redis-server --port "$port" --bind 127.0.0.1 --save '' --requirepass "$REDIS_PASSWORD"
`;

describe('a store in a container', () => {
  let folder: string;
  const path = process.env['PATH'];
  const calls = () => readFileSync(join(folder, 'bin/calls'), 'utf8').trim().split('\n');

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'souk-docker-'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin/docker'), STAND_IN, { mode: 0o755 });
    process.env['PATH'] = `${join(folder, 'bin')}${delimiter}${path}`;
  });
  afterAll(() => {
    process.env['PATH'] = path;
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs when an engine answers, keeps its data in a volume, and ends with the shop', async () => {
    expect(await engineAnswers()).toBe(true);
    const store = await startInDocker(redisStore, { folder, configured: {}, durability: 'kept' });
    await redisStore.check(store.url);
    const command = calls().at(-1) ?? '';
    expect(command).toMatch(/^run --rm --name souk-redis-\w+ .* --volume souk-redis-\w+:\/data redis:7 /);
    expect(command, 'a password in the list of processes').not.toContain(new URL(store.url).password);
    await store.stop();
    await expect(redisStore.check(store.url)).rejects.toThrow('No Redis answers');
  });

  it('leaves no volume after --reset', async () => {
    await removeVolumes(folder);
    expect(calls().at(-1)).toMatch(/^volume rm --force souk-mysql-(\w+) souk-redis-\1$/);
  });
});
