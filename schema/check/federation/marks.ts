import { type ConstDirectiveNode, type DocumentNode, Kind, print, type TypeNode } from 'graphql';

/** One coordinate of a subgraph's SDL with what its SDL says about it; parts of a type that is extended count together. */
export interface Marked {
  coordinate: string;
  /** The coordinate of what it belongs to: the type of a field, the field of an argument. */
  parent: string | null;
  kind: 'type' | 'field' | 'argument' | 'inputField' | 'enumValue';
  /** Kind of definition, for a type. */
  definition: string | null;
  /** Null for types and enum values. */
  type: TypeNode | null;
  directives: readonly ConstDirectiveNode[];
}

export type Marks = ReadonlyMap<string, Marked>;

/** Every type, field, argument and enum value of a subgraph's SDL by its coordinate. */
export function marksOf({ definitions }: DocumentNode): Marks {
  const marks = new Map<string, Marked>();
  const add = (marked: Marked) => {
    const known = marks.get(marked.coordinate);
    marks.set(marked.coordinate, { ...marked, directives: [...(known?.directives ?? []), ...marked.directives] });
  };

  for (const node of definitions) {
    if (!('name' in node) || !node.name || node.kind === Kind.DIRECTIVE_DEFINITION || 'selectionSet' in node) continue;
    const type = node.name.value;
    const definition = node.kind.replace(/Type(Definition|Extension)$/, '');
    add({ coordinate: type, parent: null, kind: 'type', definition, type: null, directives: node.directives ?? [] });
    const isInput = 'fields' in node && node.kind.startsWith('Input');
    for (const field of 'fields' in node ? (node.fields ?? []) : []) {
      const coordinate = `${type}.${field.name.value}`;
      const kind = isInput ? 'inputField' : 'field';
      add({ coordinate, parent: type, kind, definition: null, type: field.type, directives: field.directives ?? [] });
      for (const given of 'arguments' in field ? (field.arguments ?? []) : []) {
        add({
          coordinate: `${coordinate}(${given.name.value}:)`,
          parent: coordinate,
          kind: 'argument',
          definition: null,
          type: given.type,
          directives: given.directives ?? [],
        });
      }
    }
    for (const { name, directives = [] } of 'values' in node ? (node.values ?? []) : []) {
      const coordinate = `${type}.${name.value}`;
      add({ coordinate, parent: type, kind: 'enumValue', definition: null, type: null, directives });
    }
  }
  return marks;
}

/** The directives of one name, as text without the `@name`: comparable, and ready to print. */
export function argumentsOf({ directives }: Marked, name: string): string[] {
  return directives
    .filter((found) => found.name.value === name)
    .map((found) => print(found).slice(name.length + 1))
    .sort();
}

export function has({ directives }: Marked, name: string): boolean {
  return directives.some((found) => found.name.value === name);
}
