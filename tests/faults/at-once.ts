/**
 * Does something `count` times, so many at a time. Gives the results in order.
 *
 * @throws what failed first, when those under way are done
 */
export async function atOnce<Result>(
  inFlight: number,
  count: number,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count && failures.length === 0) {
      const index = next++;
      await work(index).then(
        (result) => {
          results[index] = result;
        },
        (error: unknown) => void failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(inFlight, count) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
