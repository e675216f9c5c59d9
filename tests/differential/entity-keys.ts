import {
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type InterfaceTypeDefinitionNode,
  Kind,
  type ObjectTypeDefinitionNode,
  parse,
  type SelectionSetNode,
  type TypeNode,
} from 'graphql';

/**
 * Words. An entity is number so-and-so of its *family*: the objects that share keys, which are those of one type, or of all types behind one entity interface.
 * Every key of an entity is made from its number, and its number can be read from every key, so all subgraphs speak of the same one.
 */
export interface EntityKeys {
  /** The family of a type: its own name, or that of its entity interface. */
  familyOf(type: string): string;
  /** The types of a family in a fixed order; undefined for what is no entity. Number n is of the type at n modulo how many there are. */
  membersOf(family: string): readonly string[] | undefined;
  /** Whether a field is part of a key, as in `Copy.number` or, of an object within a key, `Shelf.code`. */
  isKeyField(type: string, field: string): boolean;
  /** What a field needs from other subgraphs before this one can answer it; undefined when nothing. */
  requirement(subgraph: string, type: string, field: string): SelectionSetNode | undefined;
}

type Definition = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

/** Reads the `@key`, `@requires` and `@interfaceObject` directives of subgraphs. */
export function readEntityKeys(subgraphs: ReadonlyMap<string, DocumentNode>): EntityKeys {
  const families = new Map<string, string>();
  const members = new Map<string, Set<string>>();
  const keyFields = new Set<string>();
  const requirements = new Map<string, SelectionSetNode>();
  const all = [...subgraphs].flatMap(([subgraph, document]) =>
    definitionsOf(document).map((definition) => ({ subgraph, definition })),
  );
  const familyOf = (type: string) => families.get(type) ?? type;

  const entityInterfaces = new Set(
    all.flatMap(({ definition }) =>
      definition.kind === Kind.INTERFACE_TYPE_DEFINITION && keysOf(definition).length > 0
        ? [definition.name.value]
        : [],
    ),
  );
  for (const { definition } of all) {
    const { name, kind, interfaces = [] } = definition;
    const entityInterface = interfaces.find((each) => entityInterfaces.has(each.name.value));
    if (entityInterface) families.set(name.value, entityInterface.name.value);
    const isEntity = entityInterface !== undefined || keysOf(definition).length > 0;
    if (kind !== Kind.OBJECT_TYPE_DEFINITION || !isEntity || entityInterfaces.has(name.value)) continue;
    const family = familyOf(name.value);
    members.set(family, (members.get(family) ?? new Set()).add(name.value));
  }

  const typesOfFields = new Map(
    all.flatMap(({ definition }) =>
      fieldsOf(definition).map(
        (field) => [`${definition.name.value}.${field.name.value}`, nameOf(field.type)] as const,
      ),
    ),
  );
  const noteKey = (type: string, { selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (selection.kind !== Kind.FIELD) continue;
      keyFields.add(`${familyOf(type)}.${selection.name.value}`);
      const inner = typesOfFields.get(`${type}.${selection.name.value}`);
      if (selection.selectionSet && inner) noteKey(inner, selection.selectionSet);
    }
  };
  for (const { subgraph, definition } of all) {
    for (const key of keysOf(definition)) noteKey(definition.name.value, key);
    for (const field of fieldsOf(definition)) {
      const [requires] = fieldSetsOf(field, 'requires');
      if (requires) requirements.set(`${subgraph} ${definition.name.value}.${field.name.value}`, requires);
    }
  }
  const ordered = new Map([...members].map(([family, types]) => [family, [...types].sort()]));

  return {
    familyOf,
    membersOf: (family) => ordered.get(family),
    isKeyField: (type, field) => keyFields.has(`${familyOf(type)}.${field}`),
    requirement: (subgraph, type, field) => requirements.get(`${subgraph} ${type}.${field}`),
  };
}

function definitionsOf({ definitions }: DocumentNode): Definition[] {
  return definitions.filter(
    (definition): definition is Definition =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.INTERFACE_TYPE_DEFINITION,
  );
}

const fieldsOf = ({ fields = [] }: Definition): readonly FieldDefinitionNode[] => fields;
const keysOf = (definition: Definition): SelectionSetNode[] => fieldSetsOf(definition, 'key');

function fieldSetsOf(
  { directives = [] }: { readonly directives?: readonly ConstDirectiveNode[] | undefined },
  name: 'key' | 'requires',
): SelectionSetNode[] {
  return directives.flatMap((directive) => {
    const fields = directive.arguments?.find((argument) => argument.name.value === 'fields')?.value;
    if (directive.name.value !== name || fields?.kind !== Kind.STRING) return [];
    const [operation] = parse(`{ ${fields.value} }`).definitions;
    return operation?.kind === Kind.OPERATION_DEFINITION ? [operation.selectionSet] : [];
  });
}

function nameOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameOf(type.type);
}
