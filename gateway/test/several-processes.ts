import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@souk/platform/logger';
import { addHealth, addMetrics, createHttpServer, runService } from '@souk/platform/service';
import { supervise } from '../src/processes/supervisor.ts';
import { joinProcesses } from '../src/processes/worker.ts';

/**
 * A gateway of several processes without what a gateway does, as a process of its own: each answers `/` with its pid. Its arguments are the port, the port of
 * the metrics, and how long a worker that leaves still serves.
 */
const [port, internalPort, noticeMs] = process.argv.slice(2).map(Number) as [number, number, number];
const host = '127.0.0.1';
const drainTimeoutMs = 5_000;

if (cluster.isPrimary) {
  await supervise({ processes: 2, host, port, drainTimeoutMs, logLevel: 'info' });
} else {
  const logger = createLogger('worker', { level: 'fatal' });
  const processes = joinProcesses();
  const app = createHttpServer(logger);
  app.get('/', async () => String(process.pid));
  app.get('/slow', async () => delay(500, 'at last'));
  const { stopBeingReady } = addHealth(app, {});
  const internal = createHttpServer(logger);
  addMetrics(internal, processes.metrics);
  await internal.listen({ host, port: internalPort });
  const service = await runService({
    logger,
    app,
    stopBeingReady,
    listen: { host, port },
    noticeMs,
    drainTimeoutMs,
    closers: [() => internal.close(), () => processes.leave()],
  });
  processes.join(service);
}
