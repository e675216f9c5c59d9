import { createLogger } from '../src/logger.ts';
import { createHttpServer, runService } from '../src/service.ts';

/** A service whose parts close badly, as a process of its own, for the test of stopping. */
const say = (word: string) => process.stdout.write(`${word}\n`);
const logger = createLogger('stopping', { level: 'silent' });

await runService({
  logger,
  app: createHttpServer(logger),
  stopBeingReady: () => {},
  listen: { host: '127.0.0.1', port: 0 },
  drainTimeoutMs: 10_000,
  closers: [
    async () => say('first'),
    () => new Promise(() => say('hangs')),
    async () => {
      say('fails');
      throw new Error('no');
    },
    async () => say('last'),
  ],
});
say('listening');
