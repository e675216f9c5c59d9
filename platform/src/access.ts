import { createRequire } from 'node:module';
import nodeUtil from 'node:util';
import {
  type DocumentNode,
  type FieldDefinitionNode,
  type GraphQLSchema,
  isObjectType,
  Kind,
  type ObjectTypeDefinitionNode,
  valueFromASTUntyped,
} from 'graphql';
import { SoukError } from './errors.ts';
import type { Caller } from './identity.ts';

/**
 * Who may call what. The SDL is the one source; this file turns its directives into graphql-shield rules.
 *
 * @authenticated       somebody is signed in
 * @requiresScopes      the viewer holds every scope of at least one of the listed sets
 * @inaccessible        a service calls, for itself; never the gateway for a client, signed in or not
 * @public, @owned      no rule here: anyone, or a visibility filter in the domain
 *
 * The fields of Query, Mutation and of every entity need one of these, on the field or on its type; without one they are denied.
 * Value types (no @key) are reached through those only.
 */
export type Guard =
  | { kind: 'open' }
  | { kind: 'authenticated' }
  | { kind: 'scopes'; anyOf: string[][] }
  | { kind: 'service' }
  | { kind: 'undeclared' };

/** What stands on one coordinate of a subgraph's SDL. A field's own declaration outweighs its type's, except that nothing loosens @inaccessible. */
export function guardOf(type: ObjectTypeDefinitionNode, field: FieldDefinitionNode): Guard {
  const own = declared(field);
  const inherited = declared(type);
  if (own?.kind === 'service' || inherited?.kind === 'service') return { kind: 'service' };
  return own ?? inherited ?? (isEntrance(type) ? { kind: 'undeclared' } : { kind: 'open' });
}

function declared({ directives = [] }: ObjectTypeDefinitionNode | FieldDefinitionNode): Guard | undefined {
  const find = (name: string) => directives.find((directive) => directive.name.value === name);
  if (find('inaccessible')) return { kind: 'service' };
  const scopes = find('requiresScopes')?.arguments?.find((argument) => argument.name.value === 'scopes');
  if (scopes) return { kind: 'scopes', anyOf: valueFromASTUntyped(scopes.value) as string[][] };
  if (find('authenticated')) return { kind: 'authenticated' };
  if (find('public') || find('owned')) return { kind: 'open' };
  return undefined;
}

/** Whether a caller can start at this type: a root, or an entity that `_entities` reaches directly. */
function isEntrance({ name, directives = [] }: ObjectTypeDefinitionNode): boolean {
  return (
    ['Query', 'Mutation', 'Subscription'].includes(name.value) || directives.some(({ name }) => name.value === 'key')
  );
}

/** Every coordinate (`Type.field`) of a subgraph's SDL with its guard. */
export function guardsOf(document: DocumentNode): Map<string, Guard> {
  return new Map(
    objectTypes(document).flatMap((type) =>
      (type.fields ?? []).map((field) => [`${type.name.value}.${field.name.value}`, guardOf(type, field)] as const),
    ),
  );
}

/** Every object type with the directives and fields of all its parts: `extend type` must not be a way round the guards. */
function objectTypes({ definitions }: DocumentNode): ObjectTypeDefinitionNode[] {
  const types = new Map<string, ObjectTypeDefinitionNode>();
  for (const part of definitions) {
    if (part.kind !== Kind.OBJECT_TYPE_DEFINITION && part.kind !== Kind.OBJECT_TYPE_EXTENSION) continue;
    const known = types.get(part.name.value);
    types.set(part.name.value, {
      ...part,
      kind: Kind.OBJECT_TYPE_DEFINITION,
      directives: [...(known?.directives ?? []), ...(part.directives ?? [])],
      fields: [...(known?.fields ?? []), ...(part.fields ?? [])],
    });
  }
  return [...types.values()];
}

/** Whether a caller passes a guard; otherwise the error that says why not. */
export function permit(guard: Guard, { service, viewer, forItself }: Caller): true | SoukError {
  switch (guard.kind) {
    case 'open':
      return true;
    case 'service':
      return service === 'gateway' && !forItself ? forbidden() : true;
    case 'authenticated':
      return viewer ? true : unauthenticated();
    case 'scopes':
      if (!viewer) return unauthenticated();
      return guard.anyOf.some((all) => all.every((scope) => viewer.scopes.has(scope))) ? true : forbidden();
    case 'undeclared':
      return forbidden();
  }
}

const unauthenticated = () =>
  new SoukError('UNAUTHENTICATED', 'This needs a signed-in user. Send a valid access token as a bearer token.');
const forbidden = () => new SoukError('FORBIDDEN', 'You may not do this with the roles you have.');

/**
 * Puts the guards of the SDL in front of the resolvers.
 *
 * graphql-shield wraps every resolver of the schema, which costs far more than the rules themselves,
 * so a coordinate without a rule gets its plain resolver back.
 */
export function guardSchema(schema: GraphQLSchema, document: DocumentNode): GraphQLSchema {
  const { applyMiddleware, rule, shield } = loadShield();
  const plain = fieldResolvers(schema);
  const tree: Record<string, Record<string, unknown>> = {};

  for (const [coordinate, guard] of guardsOf(document)) {
    if (guard.kind === 'open') continue;
    const [type = '', field = ''] = coordinate.split('.');
    tree[type] ??= {};
    tree[type][field] = rule(coordinate, { cache: 'no_cache' })((_parent, _args, context: { caller: Caller }) =>
      permit(guard, context.caller),
    );
  }

  const permissions = shield(tree as never, { allowExternalErrors: true, fallbackError: forbidden() });
  const guarded = applyMiddleware(schema, permissions);
  for (const type of Object.values(guarded.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (tree[type.name]?.[field.name]) continue;
      const resolve = plain.get(`${type.name}.${field.name}`);
      if (resolve) field.resolve = resolve;
      else delete field.resolve;
    }
  }
  return guarded;
}

function fieldResolvers(schema: GraphQLSchema) {
  const objects = Object.values(schema.getTypeMap()).filter(isObjectType);
  return new Map(
    objects.flatMap((type) =>
      Object.values(type.getFields()).map((field) => [`${type.name}.${field.name}`, field.resolve] as const),
    ),
  );
}

/**
 * graphql-shield's ES module imports `util.isUndefined`, which Node removed in version 23, and it must share one copy of graphql-middleware
 * with us ("Type generator exists in middleware but is missing in Schema" otherwise): so the function is put back and both are loaded as CommonJS.
 */
function loadShield() {
  const util = nodeUtil as { isUndefined?: (value: unknown) => boolean };
  util.isUndefined ??= (value) => value === undefined;
  const require = createRequire(import.meta.url);
  const { applyMiddleware } = require('graphql-middleware') as typeof import('graphql-middleware');
  const { rule, shield } = require('graphql-shield') as typeof import('graphql-shield');
  return { applyMiddleware, rule, shield };
}
