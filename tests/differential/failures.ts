import { type Random, randomFor } from '@souk/dev/seed/random';
import type { GraphQLFormattedError } from 'graphql';

/** What a subgraph sends: a text with a status, or nothing. */
export type Reply = { status: number; contentType: string; text: string } | Error;

/** The answer of a healthy subgraph, with the entities that were asked for, if any were. */
export interface Answer {
  data: Record<string, unknown>;
  representations: readonly unknown[] | undefined;
  /** For choices that are the same whenever the same is asked. */
  seed: string;
}

type Failure = (answer: Answer) => Reply;

/** Every way in which a subgraph can fail the gateway. */
export const failures = {
  'status 500 with a page': () => ({ status: 500, contentType: 'text/html', text: '<h1>Internal Server Error</h1>' }),
  // The error repeats it, and how often an entity is asked for is up to the gateway.
  'status 500 with data': (answer) => ({
    ...json({ data: withEntities(answer, (entities) => entities.slice(0, 1)) }),
    status: 500,
  }),
  'status 401': () => ({ ...json({ errors: [{ message: 'Who asks?' }] }), status: 401 }),
  'connection reset': () => Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
  timeout: () => new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
  'no JSON': () => ({ ...json({}), text: '{"data": {"' }),
  'JSON of another shape': ({ seed }) =>
    json(randomFor(seed).pick([[], 'text', 7, null, {}, { data: [] }, { data: 'text' }])),
  'data is null': () => json({ data: null }),
  'data is null, with errors': (answer) =>
    json({ data: null, errors: pathsTo(answer).map((path) => ({ message: 'Lost.', path })) }),
  'too few entities': (answer) => json({ data: withEntities(answer, (entities) => entities.slice(1)) }),
  'too many entities': (answer) =>
    json({ data: withEntities(answer, (entities) => [...entities, { __typename: 'Query' }]) }),
  'no list of entities': (answer) =>
    json({ data: { ...answer.data, ...(isEntities(answer) ? { _entities: null } : {}) } }),
  'errors without paths': ({ data, seed }) => json({ data, errors: [errorBy(randomFor(seed))] }),
  'errors with paths': (answer) => json(withLostFields(answer)),
  'null where something was': (answer) => json({ data: spoiled(answer, anywhere, () => null) }),
  'a scalar of the wrong type': (answer) => json({ data: spoiled(answer, isScalar, otherScalar) }),
  'an object where a scalar was': (answer) => json({ data: spoiled(answer, isScalar, () => ({ a: [1] })) }),
  'a scalar where an object was': (answer) => json({ data: spoiled(answer, isComposite, () => 'text') }),
  'a list where an object was': (answer) => json({ data: spoiled(answer, isObject, (value) => [value]) }),
  'an object where a list was': (answer) => json({ data: spoiled(answer, Array.isArray, (value) => value[0] ?? {}) }),
  'an unknown enum value': (answer) => json({ data: spoiled(answer, isEnum, () => 'NO_SUCH_VALUE') }),
  'a missing field': (answer) => json({ data: spoiled(answer, anywhere, () => undefined) }),
  'a missing type name': (answer) => json({ data: spoiled(answer, isTypeName, () => undefined) }),
  'an unknown type name': (answer) => json({ data: spoiled(answer, isTypeName, () => 'NoSuchType') }),
  'another type name': (answer) => json({ data: spoiled(answer, isTypeName, otherTypeName) }),
} satisfies Record<string, Failure>;

export type FailureKind = keyof typeof failures;
export const failureKinds = Object.keys(failures) as FailureKind[];

/** Whether a reply is not what the subgraph would have sent if it were well: some failures find nothing to spoil in an answer. */
export function isSpoiled(reply: Reply, { data }: Answer): boolean {
  if (reply instanceof Error || reply.status !== 200) return true;
  return reply.text !== JSON.stringify({ data }) && reply.text !== JSON.stringify({ data, errors: [] });
}

/** What a healthy subgraph sends. JSON has several spellings of the same; a subgraph may use any. */
export function healthy({ data, seed }: Answer, errors?: readonly GraphQLFormattedError[]): Reply {
  const body = { data, ...(errors ? { errors } : {}) };
  switch (randomFor(`${seed} spelling`).integer(0, 9)) {
    case 0:
      return { ...json(body), text: JSON.stringify(body, null, 2) };
    case 1:
      return { ...json(body), text: escaped(JSON.stringify(body)) };
    case 2:
      return json({ extensions: { took: 3 }, ...body });
    case 3:
      return json(reversed(body));
    default:
      return json(body);
  }
}

function json(body: unknown) {
  return { status: 200, contentType: 'application/json', text: JSON.stringify(body) };
}

const escaped = (text: string) =>
  text
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replaceAll('/', '\\/');

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isObject(value)) return value;
  const turned = Object.entries(value).reverse();
  return Object.fromEntries(turned.map(([name, member]) => [name, reversed(member)]));
}

const isEntities = ({ data }: Answer) => Array.isArray(data['_entities']);

function withEntities(answer: Answer, change: (entities: unknown[]) => unknown[]): Record<string, unknown> {
  return isEntities(answer)
    ? { ...answer.data, _entities: change(answer.data['_entities'] as unknown[]) }
    : answer.data;
}

/** A place in an answer: the object or list around it, and its name or index there. */
interface Place {
  around: Record<string | number, unknown>;
  at: string | number;
  path: (string | number)[];
}

type Condition = (value: never, at: string | number) => boolean;

const anywhere: Condition = () => true;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isComposite: Condition = (value: unknown) => typeof value === 'object' && value !== null;
const isScalar: Condition = (value: unknown, at) => value !== null && typeof value !== 'object' && at !== '__typename';
const isEnum: Condition = (value: unknown) => typeof value === 'string' && /^[A-Z][A-Z_]+$/.test(value);
const isTypeName: Condition = (_value: unknown, at) => at === '__typename';

function otherScalar(value: unknown, random: Random): unknown {
  const others = ['text', 7, 1.5, true, 2 ** 40, '7', ''].filter(
    (other) => typeof other !== typeof value || random.chance(20),
  );
  return random.pick(others);
}

const otherTypeName = (_name: unknown, random: Random) =>
  random.pick(['Book', 'Film', 'Work', 'Author', 'Reader', 'Product', 'Node', 'Query', 'String']);

/**
 * Changes one place that fits in the answer, or of entities in about every second one. What becomes of an entity depends on nothing but its representation:
 * a gateway that asks for the same one twice, or for others beside it, gets the same.
 */
function spoiled(
  answer: Answer,
  fits: (value: never, at: string | number) => boolean,
  change: (value: never, random: Random) => unknown,
): Record<string, unknown> {
  const copy = structuredClone(answer.data);
  for (const { part, random } of partsOf({ ...answer, data: copy })) {
    const places = placesIn(part).filter(({ around, at }) => fits(around[at] as never, at));
    if (places.length === 0) continue;
    const { around, at } = random.pick(places);
    const changed = change(around[at] as never, random);
    if (changed === undefined && !Array.isArray(around)) delete around[at];
    else around[at] = changed ?? null;
  }
  return copy;
}

function withLostFields(answer: Answer): { data: unknown; errors: GraphQLFormattedError[] } {
  const copy = structuredClone(answer.data);
  const errors = partsOf({ ...answer, data: copy }).flatMap(({ part, path, random }) => {
    const places = placesIn(part);
    if (places.length === 0) return [];
    const place = random.pick(places);
    place.around[place.at] = null;
    const error = errorBy(random);
    return Array.from({ length: random.chance(20) ? 2 : 1 }, () => ({ ...error, path: [...path, ...place.path] }));
  });
  return { data: copy, errors };
}

/** What fails apart from the rest: each entity, or the whole of another answer. */
function partsOf({
  data,
  representations,
  seed,
}: Answer): { part: unknown; path: (string | number)[]; random: Random }[] {
  const entities = data['_entities'];
  if (!representations || !Array.isArray(entities)) return [{ part: data, path: [], random: randomFor(seed) }];
  return entities.flatMap((entity, index) => {
    const random = randomFor(`${seed} ${JSON.stringify(representations[index])}`);
    return random.chance(50) && entity !== null ? [{ part: entity, path: ['_entities', index], random }] : [];
  });
}

function placesIn(value: unknown, path: (string | number)[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const around = value as Record<string | number, unknown>;
  const places = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return places.flatMap((at) => [{ around, at, path: [...path, at] }, ...placesIn(around[at], [...path, at])]);
}

/** To the first thing in an answer, which is, of entities, the first one wherever it was asked for. */
function pathsTo({ data, representations }: Answer): (string | number)[][] {
  const [first = 'nothing'] = Object.keys(data);
  return representations ? likeTheFirst(representations).map((index) => ['_entities', index]) : [[first]];
}

/** A gateway may ask for an entity once that it needs in several places, so what is said of it holds for all of them. */
export function likeTheFirst(representations: readonly unknown[]): number[] {
  const texts = representations.map((representation) => JSON.stringify(representation));
  return texts.flatMap((text, index) => (text === texts[0] ? [index] : []));
}

function errorBy(random: Random): GraphQLFormattedError {
  const message = random.pick(['Not today.', 'Schade, "wirklich" schade.', '', '不行']);
  const extensions = random.pick([
    undefined,
    {},
    { code: 'NOT_TODAY' },
    { code: 'FORBIDDEN', retryable: false, by: { a: [1] } },
  ]);
  return {
    message,
    ...(extensions ? { extensions } : {}),
    ...(random.chance(30) ? { locations: [{ line: 1, column: 2 }] } : {}),
  };
}
