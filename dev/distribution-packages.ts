import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { promisify } from 'node:util';
import { findBinary } from './find-binary.ts';
import { lastLines, Problem } from './problem.ts';

const run = promisify(execFile);
/** Debian asks this program before it starts a service; exit code 101 means "do not". See `man 8 invoke-rc.d`. */
const POLICY = '/usr/sbin/policy-rc.d';

/** Whether packages may be installed here: without asking for root in a script, after a yes for anybody at a terminal, otherwise never. */
export async function packagesCanBeInstalled(packages: string[], what: string): Promise<boolean> {
  if (!findBinary(['apt-get'])) return false;
  const isRoot = process.getuid?.() === 0;
  if (!process.stdin.isTTY || !process.stdout.isTTY) return isRoot;
  if (!isRoot && !findBinary(['sudo'])) return false;
  const question = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const command = `${isRoot ? '' : 'sudo '}apt-get install ${packages.join(' ')}`;
    const answer = await question.question(`No ${what} was found. Install with "${command}"? [Y/n] `);
    return /^(y|yes|)$/i.test(answer.trim());
  } finally {
    question.close();
  }
}

/** Installs Debian packages without letting them start a service: the shop runs its own, privately. */
export async function installPackages(packages: string[]): Promise<void> {
  const mayForbid = process.getuid?.() === 0 && !existsSync(POLICY);
  if (mayForbid) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await aptGet(['update']);
    await aptGet(['install', '--yes', '--no-install-recommends', ...packages]);
    await keepServicesOff(packages);
  } finally {
    if (mayForbid) rmSync(POLICY, { force: true });
  }
}

async function aptGet(args: string[]): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const [command, first] = isRoot ? ['apt-get', []] : ['sudo', ['DEBIAN_FRONTEND=noninteractive', 'apt-get']];
  try {
    await run(command, [...first, '--quiet', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Problem(
      `"apt-get ${args.join(' ')}" failed; install the packages by hand, then start again. It said:\n${lastLines(output)}`,
    );
  }
}

/** A package may enable its service for the next boot, and without the policy file start it now: both are undone. */
async function keepServicesOff(packages: string[]): Promise<void> {
  const hasSystemd = existsSync('/run/systemd/system');
  const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
  for (const service of packages.filter((name) => existsSync(`/etc/init.d/${name}`))) {
    const off = hasSystemd ? ['systemctl', 'disable', '--now', service] : ['update-rc.d', service, 'disable'];
    const [command = '', ...args] = [...sudo, ...off];
    await run(command, args).catch(() => {});
  }
}
