import { readFileSync } from 'node:fs';

/** Whether a process runs. One that has ended but was not yet collected by its parent is still listed, as a zombie, and does not. */
export function isAlive(pid: number): boolean {
  try {
    return /^State:\s+[^Z]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}
