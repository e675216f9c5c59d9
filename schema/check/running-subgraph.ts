/**
 * Asks a running subgraph for its SDL, as federation has it (https://www.apollographql.com/docs/graphos/reference/federation/subgraph-spec).
 *
 * @param headers what it wants to see first, such as the service assertion without which subgraphs of this shop answer nothing
 * @throws {Error} which says what came instead
 */
export async function sdlOfRunning(url: string, headers: Record<string, string>): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query: '{ _service { sdl } }' }),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: unknown) => {
    throw new Error(`${url} does not answer: ${(error as Error).message}.`, { cause: error });
  });
  const text = await response.text();
  const sdl = sdlIn(text);
  if (sdl) return sdl;
  const remedy =
    response.status === 401
      ? ' It wants a service assertion: set SERVICE_PRIVATE_KEY, or give its header with --header.'
      : '';
  throw new Error(
    `Expected ${url} to answer { _service { sdl } }, got ${response.status}: ${text.slice(0, 200)}${remedy}`,
  );
}

function sdlIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { data?: { _service?: { sdl?: string } } }).data?._service?.sdl;
  } catch {
    return undefined;
  }
}
