import type { PointName } from '../points.ts';
import type { Rig } from '../rig.ts';

/**
 * Lets two collide: the first runs until it reaches a point and is held there, with its locks; the second runs until `meet` resolves, which sees that it
 * waits for the first, was refused or is through; then the first goes on.
 *
 * @returns both answers, still on their way
 */
export async function race<First, Second>(
  rig: Rig,
  collision: {
    first: () => Promise<First>;
    heldAt: PointName;
    about?: string;
    second: () => Promise<Second>;
    meet: (second: Promise<Second>) => Promise<unknown>;
  },
): Promise<{ first: Promise<First>; second: Promise<Second> }> {
  const { heldAt, about, meet } = collision;
  const held = await rig.hold(heldAt, about === undefined ? {} : { about });
  try {
    const first = collision.first();
    const unheld = first.then((answer) => {
      throw new Error(`Expected to be held at ${heldAt}, but it passed with ${JSON.stringify(answer)}`);
    });
    await Promise.race([held.reached, unheld]);
    unheld.catch(() => {});
    const second = collision.second();
    // What fails never meets the first.
    const failed = second.then(() => new Promise<never>(() => {}));
    await Promise.race([meet(second), failed]);
    failed.catch(() => {});
    return { first, second };
  } finally {
    held.release();
  }
}
