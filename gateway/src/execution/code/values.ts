import { isListType, isNonNullType, type OutputType } from '@apollo/federation-internals';
import { block, type Lines, quoted } from './lines.ts';

/** What the text of a field starts with: its key, and what separates it from the one before. */
export interface Start {
  /** Whether it starts the text of the object. */
  isFirst: boolean;
  text: string;
}

/** A value in generated code: what several sources have of it, newest first, and which of these decides whether it is null and how long a list is. */
export interface Value {
  lead: string;
  values: readonly string[];
}

/**
 * Appends the text of a value, which may be null or in lists as its type allows, to `out`.
 *
 * @param textOf an expression for the text of an item that is not null
 */
export function valueCode(
  type: OutputType,
  value: Value,
  start: Start | undefined,
  textOf: (item: Value) => string,
): Lines {
  if (isNonNullType(type)) return presentCode(type.ofType as OutputType, value, start, textOf);
  if (!isListType(type)) return [append(start, `(${value.lead} === null ? 'null' : ${textOf(value)})`)];
  return [
    ...block(`if (${value.lead} === null)`, [append(start, "'null'")]),
    ...block('else', presentCode(type, value, start, textOf)),
  ];
}

/** Appends an expression to `out`. */
export function append(start: Start | undefined, expression: string): string {
  if (!start) return `out += ${expression};`;
  return `out ${start.isFirst ? '=' : '+='} ${quoted(start.text)} + ${expression};`;
}

/** Declares the value that decides among those of several sources, which have to agree on whether there is one and on the length of a list. */
export function agreed({ lead, values }: Value): Lines {
  const [newest, ...older] = values;
  return [...older.map((value) => `agree(${newest}, ${value});`), `const ${lead} = ${values.join(' ?? ')} ?? null;`];
}

function presentCode(type: OutputType, value: Value, start: Start | undefined, textOf: (item: Value) => string): Lines {
  if (!isListType(type)) return [append(start, `(${textOf(value)})`)];
  const { lead } = value;
  const place = `${lead}i`;
  const item = itemOf(value);
  return [
    `if (!Array.isArray(${lead})) unexpected();`,
    append(start, "'['"),
    ...block(`for (let ${place} = 0; ${place} < ${lead}.length; ${place}++)`, [
      `if (${place} > 0) out += ',';`,
      ...(value.values.length === 1
        ? [`const ${item.lead} = ${lead}[${place}];`]
        : [
            ...value.values.map((list, at) => `const ${item.values[at]} = ${list} && ${list}[${place}];`),
            ...agreed(item),
          ]),
      ...valueCode(type.ofType as OutputType, item, undefined, textOf),
    ]),
    "out += ']';",
  ];
}

function itemOf({ lead, values }: Value): Value {
  const item = `${lead}e`;
  return { lead: item, values: values.length === 1 ? [item] : values.map((value) => `${value}e`) };
}
