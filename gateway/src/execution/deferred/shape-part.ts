import {
  type CompositeType,
  type FieldSelection,
  type FragmentSelection,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  isSubtype,
  isValidLeafValue,
  type OutputType,
  type Schema,
  type SelectionSet,
} from '@apollo/federation-internals';
import { isRecord } from '@souk/platform/is-record';
import { GraphQLError } from 'graphql';
import { type AppliedDirective, type ConditionValues, leavesOut } from '../condition-values.ts';
import { own, type Path, type Tree, valueAt } from './places.ts';

/** Where a part of an answer belongs, and what of the objects there is in it. */
export interface PartPlace {
  path: Path;
  selectionSet: SelectionSet;
  /** The type of the object, as far as the selection knows. */
  type: CompositeType;
}

/** A place of a fragment that is deferred, with our label of the fragment. */
export interface DeferredPlace extends PartPlace {
  label: string;
}

export interface ShapedPart {
  /** Null when something in it is null that may not be: what is deferred takes nothing along that is not. */
  data: Tree | null;
  errors: GraphQLError[];
  /** What is deferred within it, where it is there. */
  deferred: DeferredPlace[];
}

/**
 * Shapes a part of an answer, as the result shaping of Apollo Gateway does a whole one (`computeResponse`): what was selected, in its order, nulls carried up to
 * where they may be. What is deferred is left out and told.
 *
 * @throws {GraphQLError} when a subgraph answered with a list for an object, or the other way round
 */
export function shapePart(
  { path: start, selectionSet, type }: PartPlace,
  input: Tree,
  { schema, conditions }: { schema: Schema; conditions: ConditionValues },
): ShapedPart {
  const errors: GraphQLError[] = [];
  const deferred: DeferredPlace[] = [];
  const data: Tree = Object.create(null);
  if (!select(selectionSet, type, input, data, start)) return { data: null, errors, deferred: [] };
  const isThere = ({ path }: DeferredPlace) => isRecord(valueAt(data, path.slice(start.length)));
  return { data, errors, deferred: deferred.filter(isThere) };

  /** @returns false when the object is to be null */
  function select(from: SelectionSet, parent: CompositeType, object: Tree, output: Tree, path: Path): boolean {
    return from.selections().every((selection) => {
      if (leavesOut(selection.element.appliedDirectives as readonly AppliedDirective[], conditions)) return true;
      return selection.kind === 'FieldSelection'
        ? selectField(selection, parent, object, output, path)
        : selectFragment(selection, parent, object, output, path);
    });
  }

  function selectFragment(
    { element, selectionSet: inside }: FragmentSelection,
    parent: CompositeType,
    object: Tree,
    output: Tree,
    path: Path,
  ): boolean {
    const typename = own(object, '__typename');
    const told = typeof typename === 'string' ? schema.type(typename) : parent;
    const { typeCondition } = element;
    if (typeCondition && !(told && isSubtype(typeCondition, told))) return true;
    // Within a fragment of an interface an object is still known to be of the type it was known to be of.
    const type = typeCondition && !isSubtype(typeCondition, parent) ? typeCondition : parent;
    const label = element.deferDirectiveArgs()?.label;
    if (label === undefined) return select(inside, type, object, output, path);
    deferred.push({ label, path, selectionSet: inside, type });
    return true;
  }

  function selectField(
    { element, selectionSet: inside }: FieldSelection,
    parent: CompositeType,
    object: Tree,
    output: Tree,
    path: Path,
  ): boolean {
    const name = element.responseName();
    if (element.name === '__typename') {
      const told = own(object, name) ?? own(object, '__typename');
      const type = (typeof told === 'string' && schema.type(told)) || parent;
      // An interface object whose real type could not be found out.
      if (!isObjectType(type)) return false;
      output[name] = type.name;
      return true;
    }
    const at = [...path, name];
    const place = { at, what: `field ${parent.name}.${name}`, inside };
    const completed = complete(element.definition.type as OutputType, own(object, name) ?? null, output[name], place);
    output[name] = completed.value;
    return !completed.isInvalid;
  }

  /** @param known what the same field came to before: a field may be selected several times */
  function complete(type: OutputType, value: unknown, known: unknown, place: FieldPlace): Completed {
    const { at, what, inside } = place;
    if (known === null || (known !== undefined && !inside)) return { value: known };
    if (isNonNullType(type)) {
      const completed = complete(type.ofType, value, known, place);
      if (completed.value !== null) return completed;
      if (!completed.isTold) errors.push(wrong(`Cannot return null for non-nullable ${what}.`, at));
      return { value: null, isInvalid: true, isTold: true };
    }
    if (value === null) return { value: null };
    if (isListType(type)) {
      if (!Array.isArray(value)) throw wrong(`Invalid non-list value returned by subgraph for list type ${type}`, at);
      const before = Array.isArray(known) ? known : [];
      const items = value.map((item: unknown, index) =>
        complete(type.ofType, item ?? null, before[index], {
          ...place,
          at: [...at, index],
          what: `array element of type ${type.ofType} at index ${index}`,
        }),
      );
      const isNull = items.some(({ isInvalid }) => isInvalid);
      return { value: isNull ? null : items.map((item) => item.value), isTold: items.some(({ isTold }) => isTold) };
    }
    if (!isCompositeType(type)) {
      if (isValidLeafValue(schema, value, type)) return { value };
      errors.push(wrong(`Invalid value found for ${what}.`, at));
      return { value: null, isTold: true };
    }
    if (!isRecord(value) || !inside) {
      throw wrong(`Invalid non-object value returned by subgraph for composite type ${type}`, at);
    }
    const typename = own(value, '__typename');
    const told = typename === undefined || typename === null ? type : schema.type(String(typename));
    if (!told || !isCompositeType(told)) {
      // Without its name, which may be one that clients are not to know.
      errors.push(wrong(`Invalid __typename found for object at ${what}.`, at));
      return { value: null, isTold: true };
    }
    const output: Tree = isRecord(known) ? known : Object.create(null);
    const isSound = select(inside, told, value, output, at);
    return isSound ? { value: output } : { value: null, isTold: true };
  }
}

interface FieldPlace {
  at: Path;
  /** In words. */
  what: string;
  inside: SelectionSet | undefined;
}

interface Completed {
  value: unknown;
  /** Whether it is null where null may not be. */
  isInvalid?: boolean;
  /** Whether there is an error that says why. */
  isTold?: boolean | undefined;
}

function wrong(message: string, path: Path): GraphQLError {
  return new GraphQLError(message, { path, extensions: { code: 'INVALID_GRAPHQL' } });
}
