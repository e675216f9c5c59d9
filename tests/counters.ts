/** Sums of Prometheus counters over all their labels, read from a process's /metrics. */
export async function counter(metricsUrl: string, name: string, labels = ''): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** How much counters grew while something was done. */
export async function counted<Name extends string>(
  counters: Record<Name, () => Promise<number>>,
  work: () => Promise<unknown>,
): Promise<Record<Name, number>> {
  const names = Object.keys(counters) as Name[];
  const read = () => Promise.all(names.map((name) => counters[name]()));
  const before = await read();
  await work();
  const after = await read();
  return Object.fromEntries(names.map((name, index) => [name, (after[index] ?? 0) - (before[index] ?? 0)])) as Record<
    Name,
    number
  >;
}
