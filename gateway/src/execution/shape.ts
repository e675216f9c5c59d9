import {
  baseType,
  type CompositeType,
  type FieldSelection,
  isCompositeType,
  isObjectType,
  isSubtype,
  type ObjectType,
  type Operation,
  type OutputType,
  possibleRuntimeTypes,
  type SelectionSet,
} from '@apollo/federation-internals';
import { type ConditionValues, leavesOut } from './condition-values.ts';
import type { Graph } from './graph.ts';
import { NotCompilable } from './not-compilable.ts';
import { at, mayBeAbsent, type Position, providersOf } from './positions.ts';

/** What the client is to get of the objects at a position. */
export interface ObjectShape {
  position: Position;
  /** Whether objects have to say which type they are of. */
  isAbstract: boolean;
  /** One for each set of types whose objects look alike in the answer and come from the same sources. */
  variants: ShapeVariant[];
}

export interface ShapeVariant {
  types: [string, ...string[]];
  fields: ShapeField[];
}

export type ShapeField =
  | { kind: 'typename'; name: string }
  | { kind: 'leaf'; name: string; type: OutputType }
  | { kind: 'object'; name: string; type: OutputType; object: ObjectShape };

/**
 * Works out the shape of an operation's answer. It follows the result shaping of Apollo Gateway (`computeResponse`), decides ahead what that decides for each
 * object, and so gives the same keys in the same order.
 *
 * @throws {NotCompilable}
 */
export function shapeOf(operation: Operation, root: Position, conditions: ConditionValues, graph: Graph): ObjectShape {
  const rootType = graph.apiSchema.schemaDefinition.rootType(operation.rootKind);
  if (!rootType) throw new NotCompilable(`no ${operation.rootKind} type`);
  return objectShape(root, rootType, [operation.selectionSet]);

  function objectShape(position: Position, type: CompositeType, selections: readonly SelectionSet[]): ObjectShape {
    const tellers = providersOf(position, '__typename', graph);
    const isTold = tellers.some((source) => !mayBeAbsent(position, source));
    const isAbstract = !isObjectType(type);
    if (isAbstract && tellers.length === 0)
      throw new NotCompilable(`objects at ${position.path.join('.')} do not tell their type`);
    const variants = new Map<string, ShapeVariant>();
    for (const objectType of isObjectType(type) ? [type] : possibleRuntimeTypes(type)) {
      const chosen = new Map<string, FieldSelection[]>();
      // An object that does not tell its type is taken for one of the type that is asked for, at first that of the field.
      const applies = (condition: CompositeType, asked: CompositeType) => {
        const isOfType = isSubtype(condition, objectType);
        if (isTold) return isOfType;
        const isTaken = isSubtype(condition, asked);
        if (tellers.length === 0 || isTaken === isOfType) return isTaken;
        throw new NotCompilable(`fragment on ${condition.name} within one of another type`);
      };
      for (const selectionSet of selections) choose(selectionSet, type, applies, chosen);
      const key = variantKey(position, objectType, chosen);
      const known = variants.get(key);
      if (known) known.types.push(objectType.name);
      else variants.set(key, { types: [objectType.name], fields: fieldsOf(position, objectType, chosen) });
    }
    return { position, isAbstract, variants: [...variants.values()] };
  }

  /** Chooses what applies to objects of a type, each name of the answer in the place where it comes first. */
  function choose(
    selectionSet: SelectionSet,
    asked: CompositeType,
    applies: (condition: CompositeType, asked: CompositeType) => boolean,
    chosen: Map<string, FieldSelection[]>,
  ): void {
    for (const selection of selectionSet.selections()) {
      if (leavesOut(selection.element.appliedDirectives, conditions)) continue;
      if (selection.kind === 'FieldSelection') {
        const name = selection.element.responseName();
        chosen.set(name, [...(chosen.get(name) ?? []), selection]);
        continue;
      }
      const { typeCondition: condition = asked } = selection.element;
      if (applies(condition, asked)) choose(selection.selectionSet, condition, applies, chosen);
    }
  }

  function variantKey(position: Position, type: ObjectType, chosen: ReadonlyMap<string, FieldSelection[]>): string {
    return [...chosen]
      .map(([name, selections]) => {
        const providers = providersOf(position, name, graph, type.name).map(({ fetch }) => fetch.number);
        return `${name} ${selections.map(numberOf).join()} ${providers.join()}`;
      })
      .join(';');
  }

  function fieldsOf(position: Position, type: ObjectType, chosen: ReadonlyMap<string, FieldSelection[]>): ShapeField[] {
    return [...chosen].map(([name, selections]) => fieldOf(position, type, name, selections));
  }

  function fieldOf(position: Position, parent: ObjectType, name: string, selections: FieldSelection[]): ShapeField {
    const [first] = selections;
    if (!first) throw new NotCompilable('nothing selected');
    const { definition } = first.element;
    if (definition.isSchemaIntrospectionField()) throw new NotCompilable('introspection');
    if (first.element.name === '__typename') return { kind: 'typename', name };
    if (providersOf(position, name, graph, parent.name).length === 0) {
      throw new NotCompilable(
        `no source of ${parent.name}.${first.element.name} at ${[...position.path, name].join('.')}`,
      );
    }
    const type = definition.type as OutputType;
    const named = baseType(type);
    for (const { element } of selections) {
      if (baseType(element.definition.type as OutputType) !== named) throw new NotCompilable(`types of ${name} differ`);
    }
    if (!isCompositeType(named)) return { kind: 'leaf', name, type };
    const nested = selections.flatMap(({ selectionSet }) => selectionSet ?? []);
    return { kind: 'object', name, type, object: objectShape(at(position, name), named, nested) };
  }
}

/** Selections are told apart by a number. */
function numberOf(selection: FieldSelection): number {
  const number = numbers.get(selection) ?? ++lastNumber;
  numbers.set(selection, number);
  return number;
}
const numbers = new WeakMap<FieldSelection, number>();
let lastNumber = 0;
