import { print } from 'graphql';
import { isNonNull } from '../../lint/graph.ts';
import { always, type FederationChange, type SubgraphPair } from './federation-change.ts';
import { argumentsOf, has, type Marked, type Marks } from './marks.ts';

/** Which subgraph answers for what: moves from one to another, and promises about entities of others. */
export function placementChanges(pairs: readonly SubgraphPair[]): FederationChange[] {
  return [...moves(pairs), ...tightened(pairs)];
}

function moves(pairs: readonly SubgraphPair[]): FederationChange[] {
  const before = resolversOf(pairs.map(({ name, before }) => [name, before] as const));
  const after = resolversOf(pairs.map(({ name, after }) => [name, after] as const));
  const moved = [...before].flatMap(([coordinate, from]) => {
    const to = after.get(coordinate) ?? [];
    const lost = from.filter((name) => !to.includes(name));
    const gained = to.filter((name) => !from.includes(name));
    return lost.length > 0 && gained.length > 0 ? [{ coordinate, from: lost.join(', '), to: gained.join(', ') }] : [];
  });
  return byType(moved, before).map(({ coordinate, from, to }) => ({
    kind: coordinate.includes('.') ? 'FIELD_MOVED' : 'TYPE_MOVED',
    coordinate,
    message: `${coordinate} moves from ${from} to ${to}.`,
    subgraphs: [...from.split(', '), ...to.split(', ')],
    assessment: always({
      verdict: 'dangerous',
      reason: 'Gateways ask the old subgraph until they have the new supergraph: in between both must answer.',
      remedy: `Deploy ${to} with @override(from: "${from}") first, publish, and take it out of ${from} when every gateway follows.`,
    }),
  }));
}

interface Move {
  coordinate: string;
  from: string;
  to: string;
}

/** A type whose fields all move the same way moves as a whole. */
function byType(moved: Move[], before: Map<string, string[]>): Move[] {
  const wholes = new Set(
    moved
      .map(({ coordinate }) => coordinate.split('.')[0] ?? '')
      .filter((type) => {
        const fields = [...before.keys()].filter((coordinate) => coordinate.startsWith(`${type}.`));
        const ways = fields.map((field) => moved.find(({ coordinate }) => coordinate === field));
        return fields.length > 1 && ways.every((way) => way?.from === ways[0]?.from && way?.to === ways[0]?.to && way);
      }),
  );
  const typeOf = ({ coordinate }: Move) => coordinate.split('.')[0] ?? '';
  return [
    ...[...wholes].flatMap((type) => {
      const first = moved.find((move) => typeOf(move) === type);
      return first ? [{ ...first, coordinate: type }] : [];
    }),
    ...moved.filter((move) => !wholes.has(typeOf(move)) && move.coordinate.includes('.')),
    ...moved.filter((move) => !wholes.has(typeOf(move)) && !move.coordinate.includes('.')),
  ];
}

/** The subgraphs that answer for each output field, and those that define each input, enum and scalar. */
function resolversOf(subgraphs: readonly (readonly [string, Marks])[]): Map<string, string[]> {
  const resolvers = new Map<string, string[]>();
  for (const [name, marks] of subgraphs) {
    for (const marked of marks.values()) {
      if (!isAnsweredFor(marked, marks)) continue;
      resolvers.set(marked.coordinate, [...(resolvers.get(marked.coordinate) ?? []), name]);
    }
  }
  return resolvers;
}

function isAnsweredFor(marked: Marked, marks: Marks): boolean {
  const { kind, definition, parent } = marked;
  if (kind === 'type') return definition === 'Enum' || definition === 'Scalar' || definition === 'InputObject';
  const type = parent === null ? undefined : marks.get(parent);
  return kind === 'field' && type?.definition === 'Object' && !isBorrowed(marked, type);
}

/** Whether a field only names its entity, or is lent by its owner. */
function isBorrowed(field: Marked, type: Marked): boolean {
  const name = field.coordinate.split('.')[1] ?? '';
  return has(field, 'external') || argumentsOf(type, 'key').some((key) => new RegExp(`[" {]${name}[" }]`).test(key));
}

/** A field that one subgraph adds to the entity of another, and that may not be null any more, takes the whole entity with it when it fails. */
function tightened(pairs: readonly SubgraphPair[]): FederationChange[] {
  return pairs.flatMap(({ name, before, after }) =>
    [...after.values()].flatMap((marked) => {
      const known = before.get(marked.coordinate);
      const type = marked.parent === null ? undefined : after.get(marked.parent);
      if (marked.kind !== 'field' || !known?.type || !marked.type || !type || !has(type, 'key')) return [];
      if (isNonNull(known.type) || !isNonNull(marked.type) || isBorrowed(marked, type)) return [];
      const others = pairs.filter((pair) => pair.name !== name && answersForMore(pair.after, type.coordinate));
      if (others.length === 0) return [];
      return [
        {
          kind: 'CONTRIBUTED_FIELD_TIGHTENED',
          coordinate: marked.coordinate,
          message: `${marked.coordinate} of ${name} was ${print(known.type)} and is ${print(marked.type)}.`,
          subgraphs: [name],
          assessment: always({
            verdict: 'dangerous',
            reason: `When ${name} does not answer, clients lose the whole ${type.coordinate}, which is also in ${others.map((other) => other.name).join(', ')}.`,
            remedy: 'Leave it nullable: one subgraph that is down should cost one field.',
          }),
        },
      ];
    }),
  );
}

function answersForMore(marks: Marks, typeName: string): boolean {
  const type = marks.get(typeName);
  return (
    type !== undefined &&
    [...marks.values()].some((field) => field.kind === 'field' && field.parent === typeName && !isBorrowed(field, type))
  );
}
