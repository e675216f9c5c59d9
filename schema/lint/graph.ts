import {
  type ConstDirectiveNode,
  type DefinitionNode,
  type DocumentNode,
  type EnumTypeDefinitionNode,
  type FieldDefinitionNode,
  type InputObjectTypeDefinitionNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  type TypeNode,
  valueFromASTUntyped,
} from 'graphql';

/**
 * Words. A *place* is one field of an object type in one subgraph. An *entity* is a type with @key. Its *owner* is the subgraph that has its
 * rows: where it implements Node and can be resolved, or the only one that knows it. Elsewhere it is *foreign*. A *service* coordinate is
 * @inaccessible: no client meets it.
 */
export interface Graph {
  subgraphs: Subgraph[];
  places: Place[];
  entities: Set<string>;
  /** Entity → owning subgraph. */
  owners: Map<string, string>;
}

export interface Subgraph {
  name: string;
  document: DocumentNode;
  objects: ObjectTypeDefinitionNode[];
  interfaces: InterfaceTypeDefinitionNode[];
  inputs: InputObjectTypeDefinitionNode[];
  enums: EnumTypeDefinitionNode[];
}

export interface Place {
  subgraph: Subgraph;
  type: ObjectTypeDefinitionNode;
  field: FieldDefinitionNode;
  /** How findings call it, such as `order: User.orders`. */
  at: string;
}

/** Finds what breaks one rule: a sentence each, beginning with the place. */
export type Rule = (graph: Graph) => string[];

export function graphOf(documents: Map<string, DocumentNode>): Graph {
  const subgraphs = [...documents].map(([name, document]) => ({
    name,
    document,
    objects: ofKind(document, Kind.OBJECT_TYPE_DEFINITION),
    interfaces: ofKind(document, Kind.INTERFACE_TYPE_DEFINITION),
    inputs: ofKind(document, Kind.INPUT_OBJECT_TYPE_DEFINITION),
    enums: ofKind(document, Kind.ENUM_TYPE_DEFINITION),
  }));
  const places = subgraphs.flatMap((subgraph) =>
    subgraph.objects.flatMap((type) =>
      (type.fields ?? []).map((field) => ({
        subgraph,
        type,
        field,
        at: `${subgraph.name}: ${type.name.value}.${field.name.value}`,
      })),
    ),
  );
  const entities = new Set(subgraphs.flatMap(({ objects }) => objects.filter(isEntity).map(({ name }) => name.value)));
  return { subgraphs, places, entities, owners: ownersOf(subgraphs, entities) };
}

function ownersOf(subgraphs: Subgraph[], entities: Set<string>): Map<string, string> {
  return new Map(
    [...entities].flatMap((entity) => {
      const definitions = subgraphs.flatMap(({ name, objects }) =>
        objects.filter((type) => type.name.value === entity).map((type) => ({ name, type })),
      );
      const owner =
        definitions.length === 1
          ? definitions[0]
          : definitions.find(({ type }) => implementsNode(type) && isResolvable(type));
      return owner ? [[entity, owner.name] as const] : [];
    }),
  );
}

export function isRoot(type: ObjectTypeDefinitionNode): boolean {
  return ['Query', 'Mutation', 'Subscription'].includes(type.name.value);
}

export function isEntity(type: ObjectTypeDefinitionNode): boolean {
  return directive(type, 'key') !== undefined;
}

export function implementsNode(type: ObjectTypeDefinitionNode): boolean {
  return (type.interfaces ?? []).some(({ name }) => name.value === 'Node');
}

export function isResolvable(type: ObjectTypeDefinitionNode): boolean {
  return (type.directives ?? []).some((found) => found.name.value === 'key' && argument(found, 'resolvable') !== false);
}

/** Whether a field only names its entity: part of a key, or the owner's field lent for @requires and @provides. */
export function isBorrowed({ type, field }: Place): boolean {
  const keys = (type.directives ?? []).filter(({ name }) => name.value === 'key');
  const keyFields = keys.flatMap((key) => String(argument(key, 'fields')).split(/[\s{}]+/));
  return directive(field, 'external') !== undefined || keyFields.includes(field.name.value);
}

/** Whether no client meets this place. */
export function isForServices({ type, field }: Pick<Place, 'type' | 'field'>): boolean {
  return directive(type, 'inaccessible') !== undefined || directive(field, 'inaccessible') !== undefined;
}

interface Decorated {
  readonly directives?: readonly ConstDirectiveNode[] | undefined;
}

export function directive(node: Decorated, name: string): ConstDirectiveNode | undefined {
  return node.directives?.find((found) => found.name.value === name);
}

export function argument(found: ConstDirectiveNode | undefined, name: string): unknown {
  const value = found?.arguments?.find((given) => given.name.value === name)?.value;
  return value && valueFromASTUntyped(value);
}

export function isAdmin(node: Decorated): boolean {
  return (node.directives ?? []).some((found) => found.name.value === 'tag' && argument(found, 'name') === 'admin');
}

export function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

export function isNonNull(type: TypeNode): boolean {
  return type.kind === Kind.NON_NULL_TYPE;
}

export function isList(type: TypeNode): boolean {
  return type.kind === Kind.LIST_TYPE || (type.kind === Kind.NON_NULL_TYPE && isList(type.type));
}

function ofKind<K extends DefinitionNode['kind']>(document: DocumentNode, kind: K) {
  return document.definitions.filter((definition) => definition.kind === kind) as Extract<
    DefinitionNode,
    { kind: K }
  >[];
}
