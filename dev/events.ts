import { EnvironmentError } from '@souk/platform/env';
import { runEventCommand } from './event-command.ts';
import { Problem } from './problem.ts';
import { readShopEnvironment } from './shop-databases.ts';

/**
 * `npm run events`: what has been stated and has not reached its listeners, and the way back for what was parked.
 */
try {
  const { text, exitCode } = await runEventCommand(process.argv.slice(2), readShopEnvironment({}));
  process.stdout.write(text);
  process.exitCode = exitCode;
} catch (error) {
  const isOurs = error instanceof Problem || error instanceof EnvironmentError;
  process.stderr.write(`${isOurs ? error.message : error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 2;
}
