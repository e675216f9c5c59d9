import { isCustomScalarType, isEnumType, type NamedType } from '@apollo/federation-internals';
import { NotCompilable } from '../not-compilable.ts';
import { literal } from './lines.ts';

/** Expressions for the JSON text of scalars and enum values, checked as Apollo Gateway checks them (`isValidLeafValue`). */
export interface LeafTexts {
  /** An expression for the text of a value that is not null. */
  textOf(type: NamedType, value: string): string;
  /** Declarations of what the expressions refer to. */
  tables(): string[];
}

export function createLeafTexts(mustEscape: boolean): LeafTexts {
  const enums = new Map<string, string>();
  const quoted = (value: string) => (mustEscape ? `json(${value})` : `'"' + ${value} + '"'`);

  return {
    tables: () => [...enums.values()],
    textOf(type, value) {
      if (isEnumType(type)) {
        const table = `enum${type.name}`;
        enums.set(
          type.name,
          `const ${table} = new Map(${literal(type.values.map(({ name }) => [name, literal(name)]))});`,
        );
        return `${table}.get(${value}) ?? unexpected()`;
      }
      if (isCustomScalarType(type)) return `typeof ${value} === 'string' ? ${quoted(value)} : json(present(${value}))`;
      switch (type.name) {
        case 'String':
          return `typeof ${value} === 'string' ? ${quoted(value)} : unexpected()`;
        case 'ID':
          return `typeof ${value} === 'string' ? ${quoted(value)} : integer(${value})`;
        case 'Int':
          return `(${value} | 0) === ${value} ? ${value} : integer(${value})`;
        case 'Float':
          return `typeof ${value} === 'number' && Number.isFinite(${value}) ? ${value} : unexpected()`;
        case 'Boolean':
          return `${value} === true ? 'true' : ${value} === false ? 'false' : unexpected()`;
        default:
          throw new NotCompilable(`leaf of type ${type.name}`);
      }
    },
  };
}
