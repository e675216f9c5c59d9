import { valueFromASTUntyped } from 'graphql';
import { always, type FederationChange, type SubgraphPair, selecting } from './federation-change.ts';
import { has, type Marked, type Marks } from './marks.ts';

/**
 * Who may read a field is what its SDL says, on itself or on its type (see platform/src/access.ts). Whatever lets more people in exposes something;
 * whatever keeps people out is felt by clients that ask for it.
 */
export function guardChanges(pairs: readonly SubgraphPair[]): FederationChange[] {
  return pairs.flatMap((pair) => {
    const changed = [...pair.after.values()].flatMap((marked) => changeAt(marked, pair));
    // Fields follow their type, unless they say something themselves.
    const types = new Set(
      changed.filter(({ coordinate }) => !coordinate.includes('.')).map(({ coordinate }) => coordinate),
    );
    return changed
      .filter(({ coordinate, isInherited }) => !(isInherited && types.has(typeOf(coordinate))))
      .map(withoutMark);
  });
}

interface GuardChange extends FederationChange {
  isInherited: boolean;
}

function changeAt(marked: Marked, { name, before, after }: SubgraphPair): GuardChange[] {
  const { coordinate, kind } = marked;
  const known = before.get(coordinate);
  if (!known || (kind !== 'field' && kind !== 'type')) return [];
  const was = guardOf(known, before);
  const is = guardOf(marked, after);
  const isInherited = kind === 'field' && !declared(known) && !declared(marked);
  if (!was || !is || said(was) === said(is)) return [];
  const common = { coordinate, subgraphs: [name], isInherited };
  const message = `${coordinate} was ${said(was)} and is ${said(is)}.`;
  return admitsMore(was, is)
    ? [{ ...common, kind: 'GUARD_WEAKENED', message, assessment: exposes(was, is) }]
    : [{ ...common, kind: 'GUARD_TIGHTENED', message, assessment: keepsOut(coordinate, is) }];
}

function exposes(was: Guard, is: Guard): FederationChange['assessment'] {
  return always({
    verdict: 'exposing',
    reason: `It lets in callers that ${said(was)} kept out${is.kind === 'none' ? ', because nothing guards it any more' : ''}.`,
    remedy: 'Put the guard back, or have somebody who answers for the data approve it.',
  });
}

function keepsOut(coordinate: string, is: Guard): FederationChange['assessment'] {
  return {
    ...selecting(coordinate),
    whenFelt: {
      verdict: 'breaking',
      reason: `Clients that ask for it get null and an error, ${condition[is.kind]}.`,
      remedy: 'Add a guarded field beside it, and deprecate this one with a day.',
    },
    otherwise: { verdict: 'dangerous', reason: 'It keeps callers out, but no registered operation asks for it.' },
  };
}

const condition: Record<Guard['kind'], string> = {
  none: 'never',
  public: 'never',
  owned: 'unless it is theirs',
  authenticated: 'unless they are signed in',
  scopes: 'unless they hold the scopes',
};

/** In the order of who is let in: everybody, everybody but for what the domain hides, whoever is signed in, whoever holds scopes. */
type Guard = { kind: 'none' | 'public' | 'owned' | 'authenticated' } | { kind: 'scopes'; anyOf: string[][] };

const width = { none: 4, public: 3, owned: 2, authenticated: 1, scopes: 0 };

function admitsMore(was: Guard, is: Guard): boolean {
  if (was.kind !== 'scopes' || is.kind !== 'scopes') return width[is.kind] > width[was.kind];
  // Somebody holds all of a set that satisfies the new guard, and no set of the old one.
  return is.anyOf.some((set) => !was.anyOf.some((old) => old.every((scope) => set.includes(scope))));
}

/** What guards a coordinate; undefined for what only services reach, and for fields that nobody reaches without passing another guard first. */
function guardOf(marked: Marked, marks: Marks): Guard | undefined {
  const type = marks.get(marked.parent ?? marked.coordinate);
  if (has(marked, 'inaccessible') || (type && has(type, 'inaccessible'))) return undefined;
  return declared(marked) ?? (type && declared(type)) ?? { kind: 'none' };
}

function declared(marked: Marked): Guard | undefined {
  const scopes = marked.directives.find(({ name }) => name.value === 'requiresScopes')?.arguments?.[0]?.value;
  if (scopes) return { kind: 'scopes', anyOf: valueFromASTUntyped(scopes) as string[][] };
  const kind = (['authenticated', 'owned', 'public'] as const).find((name) => has(marked, name));
  return kind && { kind };
}

function said(guard: Guard): string {
  if (guard.kind === 'none') return 'not guarded';
  return guard.kind === 'scopes'
    ? `@requiresScopes(${guard.anyOf.map((set) => set.join(' + ')).join(' or ')})`
    : `@${guard.kind}`;
}

function typeOf(coordinate: string): string {
  return coordinate.split('.')[0] ?? '';
}

function withoutMark({ isInherited: _, ...change }: GuardChange): FederationChange {
  return change;
}
