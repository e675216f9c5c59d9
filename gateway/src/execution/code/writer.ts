import { baseType, isCustomScalarType } from '@apollo/federation-internals';
import type { Graph } from '../graph.ts';
import { at, attachedSources, baseSources, type Position, providersOf, type Source } from '../positions.ts';
import type { ObjectShape, ShapeField, ShapeVariant } from '../shape.ts';
import { createLeafTexts } from './leaf-texts.ts';
import { block, type Lines, literal } from './lines.ts';
import { allVisited, attachedObjects, entities, fieldRead, index, object, visited } from './reading.ts';
import { agreed, append, type Start, valueCode } from './values.ts';
import { leadingSource } from './written-once.ts';

/**
 * Writes the response writer of an operation: a function that goes through the answers as the client's selection set does, and returns the text of `data`.
 * Whatever the slow path has to look into, it gives up on.
 *
 * @param mustEscape whether strings may have characters in them that JSON escapes
 */
export function writerCode(shape: ObjectShape, graph: Graph, mustEscape: boolean): string {
  const leaves = createLeafTexts(mustEscape);
  const functions: Lines[] = [];
  const attached = new Set<Source>();
  /** Lists that are empty when a request begins. */
  const lists: string[] = [];
  const root = writerOf(shape);
  const ofRequest = [
    ...[...attached].flatMap((source) => [index(source), entities(source), visited(source)]),
    ...lists,
  ];
  const call = `${root}(${baseSources(shape.position)
    .map(({ fetch }) => `run.data[${fetch.number}]`)
    .join(', ')})`;
  return [
    ...leaves.tables(),
    ...(ofRequest.length > 0 ? [`let ${ofRequest.join(', ')};`] : []),
    ...functions.flat(),
    ...block('return function write(run)', ofRequest.length > 0 ? runCode() : [`return ${call};`]),
  ].join('\n');

  function runCode(): Lines {
    return [
      ...[...attached].flatMap((source) => [
        `${index(source)} = run.index[${source.fetch.number}];`,
        `${entities(source)} = run.entities[${source.fetch.number}];`,
        `${visited(source)} = 0;`,
      ]),
      ...lists.map((name) => `${name} = [];`),
      ...block('try', [`const text = ${call};`, ...allVisited([...attached]), 'return text;']),
      // What a request has brought must not outlive it.
      ...block('finally', [`${ofRequest.map((name) => `${name} = `).join('')}undefined;`]),
    ];
  }

  /** Declares the function that writes objects of a shape, and gives its name. */
  function writerOf({ position, isAbstract, variants }: ObjectShape): string {
    const name = `write${functions.length}`;
    const place = functions.push([]) - 1;
    const own = attachedSources(position);
    for (const source of own) attached.add(source);
    const body = isAbstract ? abstractObject(position, variants) : concreteObject(position, variants);
    const leader = leadingSource(position, variants, graph);
    functions[place] = [
      `// ${position.path.join('.') || 'the root'}`,
      ...block(`function ${name}(${baseSources(position).map(object).join(', ')})`, [
        ...attachedObjects(own),
        ...(leader ? writtenOnce(leader, position, body) : [...body, "return out + '}';"]),
      ]),
    ];
    return name;
  }

  /** An entity that comes up again is written as it was before, and the objects in it count as visited. */
  function writtenOnce({ fetch }: Source, { path }: Position, body: Lines): Lines {
    const number = `i${fetch.number}`;
    const texts = addList('texts');
    const below = [...attached]
      .filter((source) => isBelow(source, path))
      .map((source) => ({ source, count: addList('counts') }));
    return [
      ...block(`if (${number} >= 0 && ${texts}[${number}] !== undefined)`, [
        ...below.map(({ source, count }) => `${visited(source)} += ${count}[${number}];`),
        `return ${texts}[${number}];`,
      ]),
      ...below.map(({ source }) => `const ${visited(source)}before = ${visited(source)};`),
      ...body,
      "out += '}';",
      ...block(`if (${number} >= 0)`, [
        ...below.map(({ source, count }) => `${count}[${number}] = ${visited(source)} - ${visited(source)}before;`),
        `${texts}[${number}] = out;`,
      ]),
      'return out;',
    ];
  }

  function addList(name: string): string {
    return lists[lists.push(`${name}${lists.length}`) - 1] ?? '';
  }

  /** Code that puts into `out` the text of an object up to its closing brace, where the schema tells its type. */
  function concreteObject(position: Position, [variant]: readonly ShapeVariant[]): Lines {
    if (!variant) return ["const out = '{';"];
    const type = literal(variant.types[0]);
    const tellers = providersOf(position, '__typename', graph);
    const told = fieldRead(position, tellers, '__typename', type);
    return [
      ...(tellers.length > 0 ? [`if (${told} !== ${type}) unexpected();`] : []),
      'let out;',
      ...fields(position, variant, type),
    ];
  }

  /** The same where the object tells its type. */
  function abstractObject(position: Position, variants: readonly ShapeVariant[]): Lines {
    const tellers = providersOf(position, '__typename', graph);
    return [
      `const typename = ${fieldRead(position, tellers, '__typename', 'undefined')};`,
      'let out;',
      ...block('switch (typename)', [
        ...variants.flatMap((variant) =>
          block(variant.types.map((type) => `case ${literal(type)}:`).join(' '), [
            ...fields(position, variant, 'typename'),
            'break;',
          ]),
        ),
        'default:',
        '  unexpected();',
      ]),
    ];
  }

  function fields(position: Position, variant: ShapeVariant, typename: string): Lines {
    if (variant.fields.length === 0) return ["out = '{';"];
    return variant.fields.flatMap((field, place) => {
      const start = { isFirst: place === 0, text: `${place === 0 ? '{' : ','}${literal(field.name)}:` };
      return fieldCode(position, field, providersOf(position, field.name, graph, variant.types[0]), {
        start,
        typename,
        value: `v${place}`,
      });
    });
  }

  function fieldCode(
    position: Position,
    field: ShapeField,
    providers: readonly Source[],
    { start, typename, value }: { start: Start; typename: string; value: string },
  ): Lines {
    if (field.kind === 'typename') {
      const told = fieldRead(position, providers, field.name, typename);
      const isTold = field.name !== '__typename' && providers.length > 0;
      return [
        ...(isTold ? [`if (${told} !== ${typename}) unexpected();`] : []),
        append(start, `'"' + ${typename} + '"'`),
      ];
    }
    if (field.kind === 'leaf') {
      const named = baseType(field.type);
      return [
        `const ${value} = ${fieldRead(position, providers, field.name, 'null')};`,
        // Two values of a custom scalar that are objects would have to be merged.
        ...(providers.length > 1 && isCustomScalarType(named)
          ? [`if (typeof ${value} === 'object' && ${value} !== null) unexpected();`]
          : []),
        ...valueCode(field.type, { lead: value, values: [value] }, start, ({ lead }) => leaves.textOf(named, lead)),
      ];
    }
    const writer = writerOf(field.object);
    const below = baseSources(at(position, field.name));
    const values = providers.map(({ fetch }) => `${value}s${fetch.number}`);
    const [sole] = values.length === 1 ? values : [];
    const lead = sole ?? value;
    return [
      ...providers.map(
        (source, place) =>
          `const ${values[place]} = ${fieldRead(position, [source], field.name, sole ? 'null' : 'undefined')};`,
      ),
      ...(sole ? [] : agreed({ lead, values })),
      ...valueCode(field.type, { lead, values }, start, (item) => {
        const given = below.map(
          ({ fetch }) => item.values[providers.findIndex((source) => source.fetch === fetch)] ?? 'undefined',
        );
        const isObject = `typeof ${item.lead} === 'object' && ${item.lead} !== null && !Array.isArray(${item.lead})`;
        return `${isObject} ? ${writer}(${given.join(', ')}) : unexpected()`;
      }),
    ];
  }
}

function isBelow({ fetch }: Source, path: readonly string[]): boolean {
  const names = fetch.path.filter((element) => element !== '@');
  return names.length > path.length && path.every((name, place) => names[place] === name);
}
