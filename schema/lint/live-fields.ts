import { argument, directive, type Graph, isNonNull, namedType, type Place } from './graph.ts';

/** A subscription is a query that is asked again: each field of Subscription names one field of Query in the same subgraph that answers alike, for whom it answers alike. */
export function liveFieldRule({ places }: Graph): string[] {
  const subscriptions = places.filter(({ type }) => type.name.value === 'Subscription');
  return [
    ...places
      .filter(({ type, field }) => type.name.value !== 'Subscription' && directive(field, 'live'))
      .map(({ at }) => `${at} is no field of Subscription, so @live says nothing there.`),
    ...subscriptions.flatMap((place) => findingsAt(place, places)),
  ];
}

function findingsAt({ subgraph, field, at }: Place, places: Place[]): string[] {
  const live = directive(field, 'live');
  if (!live) return [`${at} must be @live: the gateway runs no other subscription.`];
  const name = String(argument(live, 'query'));
  const query = places.find(
    (place) => place.subgraph === subgraph && place.type.name.value === 'Query' && place.field.name.value === name,
  );
  if (!query) return [`${at} must name a field of Query of its own subgraph, and Query.${name} is none.`];
  const [id, ...others] = field.arguments ?? [];
  return [
    ...(id && others.length === 0 && isNonNull(id.type) && namedType(id.type) === 'ID'
      ? []
      : [`${at} must have one argument, an ID that is never null: what it names is listened to.`]),
    ...(query.field.arguments?.some((given) => given.name.value === 'id')
      ? []
      : [`${at} must name a field of Query with the argument id.`]),
    ...(namedType(query.field.type) === namedType(field.type) ? [] : [`${at} must return what Query.${name} does.`]),
    ...(sayWhoMay(query) === sayWhoMay({ field }) ? [] : [`${at} must say the same about who may as Query.${name}.`]),
  ];
}

/** What a field says about who may, without the field it leads to. */
function sayWhoMay({ field }: Pick<Place, 'field'>): string {
  return JSON.stringify(
    ['public', 'owned', 'authenticated', 'requiresScopes']
      .map((name) => directive(field, name))
      .filter((found) => found !== undefined)
      .map((found) => [found.name.value, argument(found, 'scopes')]),
  );
}
