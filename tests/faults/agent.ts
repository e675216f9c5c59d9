import { registerHooks } from 'node:module';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { type Edit, edited, urlOf } from './edit.ts';
import { type GuardName, guardEdits } from './guards.ts';
import { type PointName, pointEdits, pointNames } from './points.ts';

/**
 * The rig's ear and hand in a process under test, loaded before everything else (`node --import`). It edits sources while they load, so that the process
 * notices the places it passes (points.ts) and may lack a guard (guards.ts). None of this is in what a shop runs.
 *
 *   CRASH_AT=<point>:<n>    the process kills itself when it reaches the point for the n-th time
 *   GUARDS_OFF=<guard>,…    these guards are taken out
 *   FAULT_CONTROL=<port>    who may ask to hold the process at a point: see control.ts
 */
const { NODE_ENV, CRASH_AT, GUARDS_OFF, FAULT_CONTROL } = process.env;
if (NODE_ENV === 'production') throw new Error('Faults are for tests: refusing to run with NODE_ENV=production.');

edit([...pointEdits, ...guardsOff().flatMap((name) => guardEdits(name))]);
const crash = crashAt();
const holds = new Map<number, Hold>();
const held = new Map<number, (isTaken: boolean) => void>();
/** Wishes that this process has fulfilled, which may still stand in a list that is on its way. */
const fulfilled = new Set<number>();
const control = FAULT_CONTROL ? await join(Number(FAULT_CONTROL)) : undefined;

globalThis.reachPoint = (point, about) => {
  if (crash?.point === point && --crash.left === 0) process.kill(process.pid, 'SIGKILL');
  return holdIfWanted(point, about);
};

function holdIfWanted(point: PointName, about: string | undefined): Promise<void> | undefined {
  const hold = [...holds.values()].find((each) => each.point === point && (!each.about || each.about === about));
  if (!hold || hold.skip-- > 0) return undefined;
  holds.delete(hold.id);
  fulfilled.add(hold.id);
  return new Promise((resolve) => {
    // Where another process was there first, a second wish for the same point may still be open.
    held.set(hold.id, (isTaken) => resolve(isTaken ? holdIfWanted(point, about) : undefined));
    control?.write(`${JSON.stringify({ reached: hold.id, pid: process.pid, about } satisfies FromAgent)}\n`);
  });
}

/** A wish of the rig: hold the first process that reaches `point` for the `skip + 1`-th time. */
export interface Hold {
  id: number;
  point: PointName;
  about?: string | undefined;
  skip: number;
}

/** Lines of JSON between the rig and the agents. */
export type ToAgent = { holds: Hold[]; version: number } | { release: number; isTaken: boolean };
export type FromAgent = { knows: number } | { reached: number; pid: number; about: string | undefined };

function edit(edits: readonly Edit[]): void {
  const byUrl = Map.groupBy(edits, ({ file }) => urlOf(file));
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      const mine = byUrl.get(url);
      return mine ? { ...loaded, source: edited(String(loaded.source), mine) } : loaded;
    },
  });
}

function guardsOff(): GuardName[] {
  return (GUARDS_OFF?.split(',') ?? []).filter((name) => name !== '') as GuardName[];
}

function crashAt(): { point: PointName; left: number } | undefined {
  if (!CRASH_AT) return undefined;
  const [, point, times] = /^([\w.-]+):(\d+)$/.exec(CRASH_AT) ?? [];
  if (!point || !pointNames.includes(point as PointName))
    throw new Error(`Expected CRASH_AT to be <point>:<n> with one of ${pointNames.join(', ')}; got ${CRASH_AT}.`);
  return { point: point as PointName, left: Number(times) };
}

/** Resolves when the process knows what the rig wishes, so that nothing it passes from its start on is missed. */
async function join(port: number) {
  const socket = connect(port, '127.0.0.1');
  const first = Promise.withResolvers<void>();
  const tell = (message: FromAgent) => socket.write(`${JSON.stringify(message)}\n`);
  createInterface(socket)
    .on('error', () => {})
    .on('line', (line) => {
      const message = JSON.parse(line) as ToAgent;
      if ('release' in message) {
        held.get(message.release)?.(message.isTaken);
        held.delete(message.release);
        return;
      }
      holds.clear();
      for (const hold of message.holds) if (!fulfilled.has(hold.id)) holds.set(hold.id, hold);
      tell({ knows: message.version });
      first.resolve();
    });
  // Without a rig there is nobody to hold for.
  socket.on('error', first.reject).on('close', () => {
    holds.clear();
    for (const release of held.values()) release(false);
  });
  await first.promise;
  socket.unref();
  return socket;
}
