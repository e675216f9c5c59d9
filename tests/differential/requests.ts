import { type SentRequest, withoutName } from './wire.ts';

/**
 * Compares what two gateways asked of subgraphs for the same operation. One may ask for the same entity once where the other one asks twice, and share a
 * query between two places; it may not ask for anything else, nor send a mutation twice.
 *
 * @returns what differs, in words; undefined when nothing does
 */
export function differentRequests(
  expected: readonly SentRequest[],
  actual: readonly SentRequest[],
): string | undefined {
  const [wanted, got] = [countsOf(expected), countsOf(actual)];
  for (const [request, count] of got) {
    const limit = wanted.get(request) ?? 0;
    if (count > limit) return `requests: expected ${limit} times, sent ${count} times: ${request}`;
  }
  for (const [request, count] of wanted) {
    const sent = got.get(request) ?? 0;
    if (sent === 0 || (isMutation(request) && sent !== count))
      return `requests: expected ${count} times, sent ${sent} times: ${request}`;
  }
  return undefined;
}

function countsOf(requests: readonly SentRequest[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const request of requests.map(meaningOf)) counts.set(request, (counts.get(request) ?? 0) + 1);
  return counts;
}

const isMutation = (request: string) => request.includes(' mutation');

function meaningOf({ subgraph, query, variables }: SentRequest): string {
  const { representations, ...others } = variables;
  const entities = Array.isArray(representations) ? [...new Set(representations.map(canonical))].sort() : [];
  return `${subgraph} ${withoutName(query)} ${canonical(others)} ${entities.join()}`;
}

/** JSON with the members of objects in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );
}
