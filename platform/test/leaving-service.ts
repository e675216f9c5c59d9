import type { AddressInfo } from 'node:net';
import { createLogger } from '../src/logger.ts';
import { addHealth, createHttpServer, runService } from '../src/service.ts';

/** A service that gives notice before it leaves, as a process of its own. Prints its port. */
const logger = createLogger('leaving', { level: 'silent' });
const app = createHttpServer(logger);
app.get('/', async () => 'served');
const { stopBeingReady } = addHealth(app, {});
await runService({
  logger,
  app,
  stopBeingReady,
  listen: { host: '127.0.0.1', port: 0 },
  noticeMs: 3_000,
  drainTimeoutMs: 10_000,
  closers: [],
});
process.stdout.write(`${(app.server.address() as AddressInfo).port}\n`);
