import type { ProcessName } from '@souk/dev/services';
import type { Rig } from '../rig.ts';
import type { Scenario } from '../scenario.ts';
import { openVisitor, p99, paced } from '../traffic.ts';

const REQUESTS_PER_SECOND = 200;
const SECONDS_EACH = 5;
const inOrder: readonly ProcessName[] = ['catalog', 'user', 'cart', 'order', 'payment', 'gateway'];

/** Every process is stopped politely and started anew, one after the other, while visitors look around. */
export const rollingRestart: Scenario = {
  fault: 'Rolling restart at 200 requests/s',
  mustHold: 'no failed request',
  // Processes that are restarted.
  rounds: { small: 1, full: inOrder.length },

  async run(rig, { rounds }) {
    const restarted = inOrder.slice(0, rounds);
    const visitor = openVisitor(rig);
    try {
      const [seen] = await Promise.all([
        paced({ perSecond: REQUESTS_PER_SECOND, seconds: SECONDS_EACH * restarted.length }, () => visitor.send(Browse)),
        restartAll(rig, restarted),
      ]);
      const failed = seen.filter(({ status, text }) => status !== 200 || text.includes('"errors"')).length;
      return {
        figures: [
          `${seen.length} requests while ${restarted.join(', ')} were restarted: ${failed} failed, p99 ${Math.round(p99(seen))} ms`,
        ],
        missed:
          failed > 0
            ? [`${failed} failed: there is one process of each service here, and nothing to take its place`]
            : [],
      };
    } finally {
      await visitor.close();
    }
  },
};

const Browse = '{ products(first: 5) { nodes { id title } } }';

async function restartAll(rig: Rig, names: readonly ProcessName[]): Promise<void> {
  for (const name of names) await rig.restart(name);
}
