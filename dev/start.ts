import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { killAllChildren, stopAllChildren } from './child.ts';
import { followLog, lastWords, troubleIn } from './log-tail.ts';
import { Problem } from './problem.ts';
import { createReport } from './report.ts';
import { forgetFolder } from './reset.ts';
import { seedShop } from './seed-shop.ts';
import { type RunningService, startShop } from './shop.ts';
import { askRunningShop } from './shop-lock.ts';
import { readStartOptions, usage } from './start-options.ts';

/**
 * `npm start`: the whole shop on this machine, from nothing to ready, until Ctrl-C.
 */
async function start(): Promise<void> {
  const options = readStartOptions(process.argv.slice(2));
  if (options.help) return void process.stdout.write(usage);
  const { folder } = options;
  const report = createReport();
  stopOnSignals(report.write);
  stopWithNpm();

  report.title('Souk');
  const reset = options.reset && !(await askRunningShop(folder));
  if (reset) await report.step('reset', () => forgetFolder(folder));

  const shop = await startShop({
    folder,
    host: options.host,
    port: options.port,
    configured: { mysql: options.mysqlAdminUrl, redis: options.redisUrl },
    reset,
    publishSchema: true,
    instances: options.instances,
    ...(options.seed ? { seed: seedShop } : {}),
    inherit: ownEnvironment(),
    step: report.step,
    onEnd: (service, how) => void restart(service, how, report.write),
  });
  for (const service of [...Object.values(shop.services), ...shop.twins]) {
    followLog(service.logFile, (line) => {
      const trouble = troubleIn(line);
      if (trouble) report.trouble(service.name, trouble);
    });
  }
  report.ready(shop, { seeded: options.seed, folder });
  stopShop = shop.stop;
}

/** What stops the shop; before it is up, whatever has been started by then. */
let stopShop: () => Promise<void> = stopAllChildren;
let stopping = false;

/** npm passes a signal on that the terminal has sent to everybody already: two within this time are one. */
const SAME_SIGNAL_MS = 500;

function stopOnSignals(say: (text: string) => void): void {
  let firstAt = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) {
      if (Date.now() - firstAt < SAME_SIGNAL_MS) return;
      killAllChildren();
      process.exit(130);
    }
    stopping = true;
    firstAt = Date.now();
    say(signal === 'SIGINT' ? '\nStopping. Ctrl-C again ends it at once.' : '\nStopping.');
    stopShop().then(
      () => {
        say('Stopped.');
        process.exit();
      },
      (error: unknown) => fail(error),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

/**
 * npm runs this program in a shell and passes a signal on to that shell alone, which does not pass it on; and when npm itself is killed,
 * nobody is left to press Ctrl-C. Either way this process loses an ancestor, and then the shop ends too.
 */
function stopWithNpm(): void {
  if (!process.env['npm_lifecycle_event']) return;
  const before = ancestors();
  const watch = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(watch);
    process.kill(process.pid, 'SIGTERM');
  }, ANCESTORS_EVERY_MS);
  watch.unref();
}

const ANCESTORS_EVERY_MS = 300;

/** This process's parent and, where the system tells, that one's parent. */
function ancestors(): string {
  try {
    const [, grandparent = ''] = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'latin1')) ?? [];
    return `${process.ppid} ${grandparent}`;
  } catch {
    return `${process.ppid}`;
  }
}

const RESTART_AFTER_MS = 1_000;

/** A service that ends by itself is started again. One that cannot be started any more is left alone, and the others go on without it. */
async function restart(service: RunningService, how: string, say: (text: string) => void): Promise<void> {
  if (stopping) return;
  say(
    `\nThe ${service.name} service ${how} and is started again. Its log ended with:\n${lastWords(service.logFile)}\n`,
  );
  await delay(RESTART_AFTER_MS);
  if (stopping) return;
  await service.restart().catch((error: unknown) => {
    process.exitCode = 1;
    if (!stopping) say(`\n${error instanceof Error ? error.message : error}\nThe others go on without it.\n`);
  });
}

/** Settings of services that stand in the environment or in `.env`. */
function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || name.startsWith('npm_') ? [] : [[name, value]],
    ),
  );
}

function fail(error: unknown): never {
  const isProblem = error instanceof Problem;
  process.stderr.write(`\n${isProblem ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}

await start().catch(async (error: unknown) => {
  if (stopping) return;
  await stopAllChildren();
  fail(error);
});
