import type { Random } from '@souk/dev/seed/random';
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  GraphQLNonNull,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';

/** Writes arguments by chance, partly as literals and partly as variables, and remembers the variables. */
export interface Arguments {
  /** The arguments of a field in their brackets, or nothing. */
  argumentsFor(args: readonly GraphQLArgument[]): string;
  /** What a `@skip` or `@include` depends on. */
  condition(): string;
  /** `($a: Int = 1, …)`, or nothing. */
  definitions(): string;
  /** What a client sends beside the document. */
  values(): Record<string, unknown>;
}

interface Variable {
  definition: string;
  value: { given: unknown } | undefined;
}

export function createArguments(random: Random): Arguments {
  const variables = new Map<string, Variable>();
  const conditions: string[] = [];

  function literal(type: GraphQLInputType, depth: number): string {
    if (!isNonNullType(type) && random.chance(8)) return 'null';
    if (random.chance(depth === 0 ? 45 : 12)) return variable(type);
    const present = isNonNullType(type) ? type.ofType : type;
    if (isListType(present)) {
      // A single value stands for a list of it.
      if (random.chance(15) && !isListType(present.ofType))
        return written(valueBy(present.ofType, depth + 1), present.ofType);
      return `[${Array.from({ length: random.integer(0, 3) }, () => literal(present.ofType, depth + 1)).join(', ')}]`;
    }
    if (!isInputObjectType(present)) return written(valueBy(present, depth), present);
    const fields = fieldsBy(Object.values(present.getFields()), present.isOneOf, depth);
    return `{${fields.map(({ name, type: inner }) => `${name}: ${literal(present.isOneOf ? strict(inner) : inner, depth + 1)}`).join(', ')}}`;
  }

  function variable(type: GraphQLInputType): string {
    const name = `v${variables.size}`;
    const hasDefault = random.chance(30);
    // With a default a variable may be of the nullable type where none may be null.
    const declared = isNonNullType(type) && hasDefault ? type.ofType : type;
    const fallback = hasDefault ? ` = ${written(valueBy(strict(declared), 1), declared)}` : '';
    const mayLack = hasDefault || !isNonNullType(declared);
    const mayBeNull = !isNonNullType(type) && !isNonNullType(declared);
    const given = mayBeNull && random.chance(10) ? null : valueBy(strict(declared), 0);
    variables.set(name, {
      definition: `$${name}: ${declared}${fallback}`,
      value: mayLack && random.chance(35) ? undefined : { given },
    });
    return `$${name}`;
  }

  /** A value as JSON has it. */
  function valueBy(type: GraphQLInputType, depth: number): unknown {
    if (!isNonNullType(type) && random.chance(8)) return null;
    const present = isNonNullType(type) ? type.ofType : type;
    if (isListType(present))
      return Array.from({ length: random.integer(0, 3) }, () => valueBy(present.ofType, depth + 1));
    if (isEnumType(present)) return random.pick(present.getValues()).name;
    if (isInputObjectType(present)) {
      const fields = fieldsBy(Object.values(present.getFields()), present.isOneOf, depth);
      return Object.fromEntries(
        fields.map(({ name, type: inner }) => [name, valueBy(present.isOneOf ? strict(inner) : inner, depth + 1)]),
      );
    }
    return random.pick(scalars[present.name] ?? [...texts, 7, true, { a: [null, { b: 'c' }] }, []]);
  }

  /** All that are required and some that are not, the fewer the deeper: input objects may contain themselves. */
  function fieldsBy(fields: GraphQLInputField[], isOneOf: boolean, depth: number): GraphQLInputField[] {
    if (isOneOf) return [random.pick(fields)];
    return fields.filter((field) => isRequiredInputField(field) || (depth < 3 && random.chance(40)));
  }

  return {
    argumentsFor(args) {
      const given = args.filter((argument) => isRequiredArgument(argument) || random.chance(50));
      const texts = given.map(({ name, type }) => `${name}: ${literal(type, 0)}`);
      return texts.length === 0 ? '' : `(${texts.join(', ')})`;
    },
    condition() {
      if (random.chance(15)) return String(random.chance(50));
      if (conditions.length > 0 && random.chance(50)) return random.pick(conditions);
      const name = `c${conditions.length}`;
      const value = random.chance(50);
      const [type, isGiven] = random.pick([
        ['Boolean!', true],
        ['Boolean! = true', true],
        ['Boolean! = false', false],
      ] as const);
      conditions.push(`$${name}`);
      variables.set(name, { definition: `$${name}: ${type}`, value: isGiven ? { given: value } : undefined });
      return `$${name}`;
    },
    definitions() {
      const texts = [...variables.values()].map(({ definition }) => definition);
      return texts.length === 0 ? '' : `(${texts.join(', ')})`;
    },
    values: () =>
      Object.fromEntries([...variables].flatMap(([name, { value }]) => (value ? [[name, value.given]] : []))),
  };
}

const texts = ['', 'a', '茶', 'a "quoted" \\ word', 'Work-id-3', 'line\nbreak'];
const scalars: Record<string, readonly unknown[]> = {
  String: texts,
  ID: ['Work-id-3', 'id-1', '7', ''],
  Int: [0, 1, 3, -1, 2_147_483_647],
  Float: [0, 0.5, -1e-7, 1e21, 3],
  Boolean: [true, false],
};

function strict(type: GraphQLInputType): GraphQLInputType {
  return isNonNullType(type) ? type : new GraphQLNonNull(type);
}

/** A value as a document has it. */
function written(value: unknown, type: GraphQLInputType): string {
  const present = isNonNullType(type) ? type.ofType : type;
  if (value === null) return 'null';
  if (isEnumType(present)) return String(value);
  if (Array.isArray(value)) {
    const inner = isListType(present) ? present.ofType : present;
    return `[${value.map((item) => written(item, inner)).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const fields = isInputObjectType(present) ? present.getFields() : {};
    return `{${Object.entries(value)
      .map(([name, member]) => `${name}: ${written(member, fields[name]?.type ?? present)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}
