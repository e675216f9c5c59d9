import { guardOf } from '@souk/platform/access';
import type { ConstDirectiveNode, ObjectTypeDefinitionNode } from 'graphql';
import { argument, directive, type Graph, isAdmin, isEntity, isRoot, type Place } from './graph.ts';

/** Longer would be how long a change can stay unseen when the process that made it is killed before it has told of it. */
const MAX_SECONDS = 60;

/**
 * What the gateway may keep is the same for everybody, so only what anyone may read says for how long: fields that are @public, themselves or by their type,
 * and value types, which what leads to them guards.
 */
export function cacheHintRule({ subgraphs, places }: Graph): string[] {
  const types = subgraphs.flatMap(({ name, objects }) =>
    objects.flatMap((type) => {
      const hint = directive(type, 'cacheControl');
      const at = `${name}: ${type.name.value}`;
      return hint ? [...privateType(type, at), ...valueFindings(hint, at)] : [];
    }),
  );
  const fields = places.flatMap((place) => {
    const hint = directive(place.field, 'cacheControl');
    return hint ? [...privateField(place), ...valueFindings(hint, place.at)] : [];
  });
  return [...types, ...fields];
}

function privateType(type: ObjectTypeDefinitionNode, at: string): string[] {
  const isOpen = isEntity(type) || isRoot(type) ? isPublic(type) : !saysWhoMay(type);
  return isOpen && !isAdmin(type) ? [] : [`${at} is not for everybody, so @cacheControl must not stand there.`];
}

function privateField({ type, field, at }: Place): string[] {
  const isOpen =
    guardOf(type, field).kind === 'open' &&
    (isPublic(field) || (!saysWhoMay(field) && (isPublic(type) || (!saysWhoMay(type) && !isEntity(type)))));
  const isRead = type.name.value !== 'Mutation' && type.name.value !== 'Subscription';
  return isOpen && isRead && !isAdmin(field)
    ? []
    : [`${at} is not for everybody to read, so @cacheControl must not stand there.`];
}

function valueFindings(hint: ConstDirectiveNode, at: string): string[] {
  const [maxAge, inherits] = [argument(hint, 'maxAge'), argument(hint, 'inheritMaxAge')];
  if ((maxAge === undefined) === (inherits === undefined))
    return [`${at} must have either maxAge or inheritMaxAge in @cacheControl.`];
  return maxAge === undefined || (Number(maxAge) >= 0 && Number(maxAge) <= MAX_SECONDS)
    ? []
    : [`${at} must have a maxAge of 0 to ${MAX_SECONDS} seconds, not ${maxAge}.`];
}

type Decorated = Parameters<typeof directive>[0];

function isPublic(node: Decorated): boolean {
  return directive(node, 'public') !== undefined;
}

function saysWhoMay(node: Decorated): boolean {
  return ['public', 'owned', 'authenticated', 'requiresScopes', 'inaccessible'].some((name) => directive(node, name));
}
