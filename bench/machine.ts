import { cpus, loadavg, release, totalmem } from 'node:os';

/** What the numbers were measured on, for whoever compares them with their own. */
export function machineInWords(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}`;
}

/** Whether others use the machine so much that timings would tell more about them. */
export function isBusy(): boolean {
  return (loadavg()[0] ?? 0) > cpus().length * 0.25;
}

export function loadInWords(): string {
  return `load ${loadavg()
    .map((load) => load.toFixed(1))
    .join(', ')} on ${cpus().length} cores`;
}
