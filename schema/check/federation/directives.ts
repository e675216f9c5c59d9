import { always, type FederationChange, type SubgraphPair, selecting } from './federation-change.ts';
import { argumentsOf, has, type Marked, type Marks } from './marks.ts';

/** What directives say to the gateway and to other subgraphs: keys, visibility, cost, and how fields are found. */
export function directiveChanges(pairs: readonly SubgraphPair[]): FederationChange[] {
  return pairs.flatMap((pair) => [
    ...[...pair.before.values()].flatMap((was) => {
      const is = pair.after.get(was.coordinate);
      return is ? comparisons.flatMap((compare) => compare(was, is, pair)) : goneFor(was, pair);
    }),
  ]);
}

type Compare = (was: Marked, is: Marked, pair: SubgraphPair) => FederationChange[];

const comparisons: Compare[] = [keys, visibility, door, cost, routing, others];

function keys(was: Marked, is: Marked, { name }: SubgraphPair): FederationChange[] {
  const { coordinate } = was;
  const [before, after] = [argumentsOf(was, 'key'), argumentsOf(is, 'key')];
  const removed = before.filter((key) => !after.includes(key));
  const added = after.filter((key) => !before.includes(key));
  return [
    ...removed.map((key) => ({
      kind: 'KEY_REMOVED',
      coordinate,
      message: `${name} no longer finds ${coordinate} by @key${key}.`,
      subgraphs: [name],
      assessment: always({
        verdict: 'dangerous',
        reason:
          'Gateways that still have the old supergraph, and subgraphs that know it by this key only, ask for it by this key.',
        remedy: `Publish the supergraph without the key first, wait until every gateway follows, then deploy ${name}.`,
      }),
    })),
    ...added.map((key) => ({
      kind: 'KEY_ADDED',
      coordinate,
      message: `${name} finds ${coordinate} by @key${key} too.`,
      subgraphs: [name],
      assessment: always({
        verdict: 'safe',
        reason: 'Nobody asks by this key before the new supergraph is published.',
        remedy: `Deploy ${name} before the supergraph is published.`,
      }),
    })),
  ];
}

/** What becomes invisible is missing from the API, which tells itself; what becomes visible only looks like an addition there. */
function visibility(was: Marked, is: Marked, { name }: SubgraphPair): FederationChange[] {
  const { coordinate } = was;
  const shown = (kind: string, message: string, reason: string): FederationChange => ({
    kind,
    coordinate,
    message,
    subgraphs: [name],
    assessment: always({
      verdict: 'exposing',
      reason,
      remedy: 'Put it back, or have somebody who answers for the data approve it.',
    }),
  });
  const untagged = argumentsOf(was, 'tag').filter((tag) => !argumentsOf(is, 'tag').includes(tag));
  return [
    ...(has(was, 'inaccessible') && !has(is, 'inaccessible')
      ? [
          shown(
            'INACCESSIBLE_REMOVED',
            `${coordinate} is not @inaccessible any more.`,
            'Clients see what only services saw.',
          ),
        ]
      : []),
    ...untagged.map((tag) =>
      shown(
        'TAG_REMOVED',
        `${coordinate} does not carry @tag${tag} any more.`,
        'Contracts that hide what carries this tag show it from now on.',
      ),
    ),
  ];
}

/** Marks of root fields by which the gateway decides how carefully to let requests in. */
function door(was: Marked, is: Marked, { name }: SubgraphPair): FederationChange[] {
  const { coordinate } = was;
  return ['sensitive', 'reserved'].flatMap((mark) => {
    if (has(was, mark) === has(is, mark)) return [];
    const isGone = has(was, mark);
    return [
      {
        kind: isGone ? 'DOOR_MARK_REMOVED' : 'DOOR_MARK_ADDED',
        coordinate,
        message: `${coordinate} is ${isGone ? 'not' : 'now'} @${mark}${isGone ? ' any more' : ''}.`,
        subgraphs: [name],
        assessment:
          mark === 'sensitive' && isGone
            ? always({
                verdict: 'exposing',
                reason: 'One document may ask for it many times: attempts are not counted one by one any more.',
                remedy: 'Put the mark back, or have somebody who answers for security approve it.',
              })
            : {
                ...selecting(coordinate),
                whenFelt: {
                  verdict: 'dangerous',
                  reason: 'The gateway lets documents that ask for it in by other rules.',
                },
                otherwise: { verdict: 'safe', reason: 'No registered operation asks for it.' },
              },
      },
    ];
  });
}

function cost(was: Marked, is: Marked, { name }: SubgraphPair): FederationChange[] {
  const { coordinate, kind } = was;
  const changed = ['cost', 'listSize'].filter((mark) => argumentsOf(was, mark).join() !== argumentsOf(is, mark).join());
  return changed.map((mark) => ({
    kind: 'COST_CHANGED',
    coordinate,
    message: `${coordinate}: @${mark}${argumentsOf(was, mark).join() || ' (none)'} is @${mark}${argumentsOf(is, mark).join() || ' (none)'} now.`,
    subgraphs: [name],
    assessment: {
      ...selecting(kind === 'argument' ? (was.parent ?? '') : coordinate),
      whenFelt: {
        verdict: 'dangerous',
        reason: 'Estimates of these operations change, and with them what the cost limit lets in.',
        remedy: 'Look at `npm run cost` before and after.',
      },
      otherwise: { verdict: 'safe', reason: 'No registered operation is estimated by it.' },
    },
  }));
}

/** How the planner finds a field; the answer stays the same, the requests to subgraphs do not. */
function routing(was: Marked, is: Marked, { name }: SubgraphPair): FederationChange[] {
  const { coordinate } = was;
  return ['requires', 'provides', 'override', 'external', 'shareable', 'interfaceObject'].flatMap((mark) => {
    const [before, after] = [argumentsOf(was, mark), argumentsOf(is, mark)];
    if (before.join() === after.join() && before.length === after.length) return [];
    const said = (given: string[]) =>
      given.length === 0 ? `not @${mark}` : given.map((text) => `@${mark}${text}`).join(' ');
    return [
      {
        kind: 'ROUTING_CHANGED',
        coordinate,
        message: `${coordinate} in ${name} was ${said(before)} and is ${said(after)}.`,
        subgraphs: [name],
        assessment: always({
          verdict: mark === 'provides' || mark === 'shareable' ? 'safe' : 'dangerous',
          reason: 'Gateways with the old supergraph and with the new one ask the subgraphs for different things.',
          remedy: `Deploy ${name} so that it answers both before the supergraph is published.`,
        }),
      },
    ];
  });
}

/** Directives with a meaning of their own, which only those know who defined them. */
function others(was: Marked, is: Marked, { name }: SubgraphPair): FederationChange[] {
  const { coordinate } = was;
  const names = new Set([...was.directives, ...is.directives].map((found) => found.name.value));
  return [...names]
    .filter(
      (mark) =>
        !understood.has(mark) && JSON.stringify(argumentsOf(was, mark)) !== JSON.stringify(argumentsOf(is, mark)),
    )
    .map((mark) => {
      const said = (marked: Marked) =>
        argumentsOf(marked, mark)
          .map((text) => `@${mark}${text}`)
          .join(' ') || `no @${mark}`;
      return {
        kind: 'DIRECTIVE_USE_CHANGED',
        coordinate,
        message: `${coordinate} in ${name} had ${said(was)} and has ${said(is)}.`,
        subgraphs: [name],
        assessment: always({
          verdict: 'dangerous',
          reason: `Whoever reads @${mark} treats it differently from now on.`,
          remedy: `Look at what @${mark} means, where it is defined.`,
        }),
      };
    });
}

/** What is compared above, in guards.ts, or as part of the API. */
const understood = new Set(
  'key inaccessible tag sensitive reserved cost listSize requires provides override external shareable interfaceObject'
    .split(' ')
    .concat('public owned authenticated requiresScopes deprecated specifiedBy oneOf'.split(' ')),
);

/** What only services call does not stand in any API: nobody else would notice that it goes. */
function goneFor(was: Marked, { name, before, after }: SubgraphPair): FederationChange[] {
  if (was.kind !== 'field' || !isInternal(was, before) || !after.has(was.parent ?? '')) return [];
  return [
    {
      kind: 'INTERNAL_FIELD_REMOVED',
      coordinate: was.coordinate,
      message: `${name} no longer answers ${was.coordinate} to other services.`,
      subgraphs: [name],
      assessment: always({
        verdict: 'dangerous',
        reason: `Services that call it on ${name} itself get an error; they are no clients of the graph, so no manifest names them.`,
        remedy: 'Deploy the services that call it (their peers.ts) without the call first.',
      }),
    },
  ];
}

function isInternal(marked: Marked, marks: Marks): boolean {
  const type = marked.parent === null ? undefined : marks.get(marked.parent);
  return has(marked, 'inaccessible') || (type !== undefined && has(type, 'inaccessible'));
}
