import type { GraphQLDataSource, ServiceMap } from '@apollo/gateway';
import type { SentRequest, SubgraphAnswer, SubgraphError } from './run.ts';

type ProcessOptions = Parameters<GraphQLDataSource['process']>[0];
type ProcessAnswer = Awaited<ReturnType<GraphQLDataSource['process']>>;

/**
 * Data sources for the stock executor that have the answers which were already asked for, so that nothing is asked twice: half a mutation must not be done again.
 * What has not been asked yet goes to the subgraphs.
 */
export function replaying(sent: readonly SentRequest[], services: ServiceMap): ServiceMap {
  return Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      {
        async process(options: ProcessOptions): Promise<ProcessAnswer> {
          for (const request of sent) {
            if (request.fetch.node.serviceName !== name || !isSameFetch(request, options)) continue;
            const answer = await answerFor(request, options.request.variables?.['representations']);
            if (answer) return answer as unknown as ProcessAnswer;
          }
          return service.process(options);
        },
      } as GraphQLDataSource,
    ]),
  );
}

function isSameFetch({ fetch: { node, path } }: SentRequest, options: ProcessOptions): boolean {
  const { request, pathInIncomingRequest = [] } = options as {
    request: { query?: string };
    pathInIncomingRequest?: unknown[];
  };
  return node.operation === request.query && path.join('.') === pathInIncomingRequest.join('.');
}

/** The answer as the stock executor would have got it, to change as it likes; undefined when it asks for something else. */
async function answerFor({ collected, answer }: SentRequest, representations: unknown): Promise<Answer | undefined> {
  if (!collected) {
    const { data, errors } = await answer;
    return copy({ data, errors });
  }
  if (!Array.isArray(representations)) return undefined;
  const asked = (JSON.parse(`[${collected.text}]`) as unknown[]).map((representation) =>
    JSON.stringify(representation),
  );
  const places = new Map(asked.map((text, number) => [text, number]));
  const numbers = representations.map((representation) => places.get(JSON.stringify(representation)) ?? -1);
  if (numbers.includes(-1)) return undefined;
  const { data, errors, isLost } = await answer;
  const entities = data?.['_entities'];
  return copy({
    data: data && Array.isArray(entities) ? { ...data, _entities: spread(entities, numbers, asked.length) } : data,
    // Of a subgraph that did not answer it is said once.
    errors: errors && !isLost ? errorsForAll(errors, numbers) : errors,
  });
}

type Answer = Pick<SubgraphAnswer, 'data' | 'errors'>;

/** One entity for each representation. Where there were too many or too few, there are so for all. */
function spread(entities: readonly unknown[], numbers: readonly number[], asked: number): unknown[] {
  if (entities.length < asked) return [...entities];
  const all = numbers.map((number) => entities[number]);
  return entities.length > asked ? [...all, null] : all;
}

/** An error of an entity belongs to every place that the entity stands for. */
function errorsForAll(errors: readonly SubgraphError[], numbers: readonly number[]): readonly SubgraphError[] {
  if (!Array.isArray(errors)) return errors;
  const all = errors.flatMap((error: SubgraphError) => {
    const { path } = error ?? {};
    const number = entityOf(error);
    const places = number === undefined ? [] : numbers.flatMap((other, place) => (other === number ? [place] : []));
    if (!path || places.length === 0) return [error];
    return places.map((place) => ({ ...error, path: ['_entities', place, ...path.slice(2)] }));
  });
  // Subgraphs tell of one entity after the other.
  return all.every((error) => entityOf(error) !== undefined)
    ? all.sort((one, other) => Number(entityOf(one)) - Number(entityOf(other)))
    : all;
}

function entityOf({ path }: SubgraphError): number | undefined {
  return path?.[0] === '_entities' && typeof path[1] === 'number' ? path[1] : undefined;
}

function copy(answer: Answer): Answer {
  return JSON.parse(JSON.stringify(answer)) as Answer;
}
