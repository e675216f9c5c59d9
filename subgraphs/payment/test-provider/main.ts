import { createLogger } from '@souk/platform/logger';
import { addHealth, createHttpServer, runService } from '@souk/platform/service';
import { openCharges } from './charges.ts';
import { readEnv } from './env.ts';
import { openLog } from './log.ts';
import { serveCharges } from './server.ts';
import { createReporter } from './webhooks.ts';

/** The provider of test cards: a process of its own that stands for the outside world. No money moves. */
const env = readEnv();
const logger = createLogger('test-card', { level: env.LOG_LEVEL });
const log = await openLog(env.TEST_PROVIDER_LOG);
const reporter = createReporter({ url: env.WEBHOOK_URL, secret: env.TEST_PROVIDER_SECRET, logger });
const charges = openCharges({
  log,
  approvalDelayMs: env.APPROVAL_DELAY,
  lateApprovalMs: env.LATE_APPROVAL,
  report: reporter.report,
});

const app = createHttpServer(logger);
const { stopBeingReady } = addHealth(app, { log: log.flushed });
await serveCharges(app, { charges, secret: env.TEST_PROVIDER_SECRET });

await runService({
  logger,
  app,
  stopBeingReady,
  listen: { host: env.HOST, port: env.PORT },
  drainTimeoutMs: env.DRAIN_TIMEOUT,
  closers: [async () => charges.stop(), async () => reporter.stop(), log.close],
});
