import { mayBeAbsent, type Position, type Source } from '../positions.ts';
import { block, type Lines, literal } from './lines.ts';

/*
 * Names in generated code, for the fetch with number n:
 *
 *   s<n>         the object it supplies at the position in hand; undefined when it supplies none
 *   entities<n>  its answer, one object for each distinct representation
 *   index<n>     which of these belongs to the first, second, … object at its position; -1 where there is none
 *   at<n>        how many objects at its position have been visited
 */
export const object = ({ fetch }: Source) => `s${fetch.number}`;
export const entities = ({ fetch }: Source) => `entities${fetch.number}`;
export const index = ({ fetch }: Source) => `index${fetch.number}`;
export const visited = ({ fetch }: Source) => `at${fetch.number}`;

/**
 * An expression for a field of the object in hand: that of the newest source which has it, or `otherwise` when none of its sources has the object.
 *
 * @param providers the sources with the field, newest first
 */
export function fieldRead(position: Position, providers: readonly Source[], name: string, otherwise: string): string {
  const [newest, ...older] = providers;
  if (!newest) return otherwise;
  const read = property(object(newest), name);
  const guards = [
    ...(mayBeAbsent(position, newest) ? [`${object(newest)} !== undefined`] : []),
    ...(older.length > 0 ? [`${read} !== undefined`] : []),
  ];
  if (guards.length === 0) return read;
  return `(${guards.join(' && ')} ? ${read} : ${fieldRead(position, older, name, otherwise)})`;
}

/** An expression for a property. `constructor`, `__proto__` and the like are names of GraphQL too, and every object seems to have them. */
export function property(value: string, name: string): string {
  return name in Object.prototype ? `own(${value}, ${literal(name)})` : `${value}.${name}`;
}

/** Declares the entities that belong to the next object of a position. */
export function attachedObjects(sources: readonly Source[]): Lines {
  return sources.flatMap((source) => [
    `const i${source.fetch.number} = ${index(source)}[${visited(source)}++];`,
    `const ${object(source)} = i${source.fetch.number} < 0 ? undefined : ${entities(source)}[i${source.fetch.number}] ?? undefined;`,
  ]);
}

/** Declares what the entity fetches of sources have brought, and starts to count the objects at their positions. */
export function attachedAnswers(sources: readonly Source[]): Lines {
  return sources.map((source) => {
    const { number } = source.fetch;
    return `const ${index(source)} = run.index[${number}], ${entities(source)} = run.entities[${number}]; let ${visited(source)} = 0;`;
  });
}

/** Whoever has not met just as many objects as were there when their entities were fetched, took some entity for another one's. */
export function allVisited(sources: readonly Source[]): Lines {
  return sources.map((source) => `if (${visited(source)} !== ${index(source)}.length) astray();`);
}

/**
 * Goes through the objects in the value of a field, in the lists it may be in.
 *
 * @param values one expression for each source of the objects, newest first: what it has in the field
 * @param each   the code for one object, given the names of what each source has of it
 */
export function forEachObject(
  values: readonly string[],
  listDepth: number,
  name: string,
  each: (objects: readonly string[]) => Lines,
): Lines {
  const names = values.map((_, source) => `${name}_${source}`);
  const [newest = '', ...older] = names;
  const lead = older.length === 0 ? newest : `${name}_`;
  return [
    ...names.map((variable, source) => `const ${variable} = ${values[source]};`),
    ...older.map((variable) => `agree(${newest}, ${variable});`),
    ...(older.length === 0 ? [] : [`const ${lead} = ${names.join(' ?? ')};`]),
    ...block(`if (${lead} !== null && ${lead} !== undefined)`, listDepth === 0 ? objects() : items()),
  ];

  function objects(): Lines {
    return [`if (typeof ${lead} !== 'object' || Array.isArray(${lead})) unexpected();`, ...each(names)];
  }

  function items(): Lines {
    const item = `${name}i`;
    return [
      `if (!Array.isArray(${lead})) unexpected();`,
      ...block(
        `for (let ${item} = 0; ${item} < ${lead}.length; ${item}++)`,
        forEachObject(
          names.map((variable) =>
            older.length === 0 ? `${variable}[${item}]` : `${variable} && ${variable}[${item}]`,
          ),
          listDepth - 1,
          `${name}i`,
          each,
        ),
      ),
    ];
  }
}
