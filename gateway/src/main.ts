import cluster from 'node:cluster';
import { readEnv } from './env.ts';

const env = readEnv();
if (env.GATEWAY_PROCESSES > 1 && cluster.isPrimary) {
  const { supervise } = await import('./processes/supervisor.ts');
  const { GATEWAY_PROCESSES: processes, HOST: host, PORT: port, DRAIN_TIMEOUT: drainTimeoutMs } = env;
  await supervise({ processes, host, port, drainTimeoutMs, logLevel: env.LOG_LEVEL });
} else {
  await import('./serve.ts');
}
