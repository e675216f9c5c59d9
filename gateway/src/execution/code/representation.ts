import type { QueryPlanFieldNode } from '@apollo/query-planner';
import type { Graph } from '../graph.ts';
import { NotCompilable } from '../not-compilable.ts';
import { at, type Position, providersOf, type Source } from '../positions.ts';
import type { Fetch } from '../steps.ts';
import { block, type Lines, literal, quoted } from './lines.ts';
import { fieldRead, property } from './reading.ts';
import { nameOf, plainFields, type RepresentationCase, representationCases } from './representation-cases.ts';

/** Code for the representation of one object. */
export interface RepresentationCode {
  /** What has to be declared once. */
  functions: Lines;
  /** Puts down the representation of the object in hand in `text`, unless it is known, and its number in `index`. */
  lines: Lines;
  /** The sources it is read from. */
  sources: Source[];
}

/** @throws {NotCompilable} */
export function representationCode(fetch: Fetch, position: Position, graph: Graph): RepresentationCode {
  const functions: Lines[] = [];
  const sources = new Set<Source>();
  const cases = representationCases(fetch.node, graph);
  const bodies = cases.map((one) => [
    ...one.typenames.map((name) => `case ${literal(name)}:`).slice(0, -1),
    ...block(`case ${literal(one.typenames.at(-1))}:`, caseCode(one)),
  ]);
  const typename = read('__typename');
  if (!typename) throw new NotCompilable(`objects at ${fetch.path.join('.')} do not tell their type`);
  return {
    lines: [
      `const typename = ${typename};`,
      ...block('switch (typename)', [...bodies.flat(), 'default:', '  index.push(-1);']),
    ],
    functions: functions.flat(),
    sources: [...sources],
  };

  function caseCode(one: RepresentationCase): Lines {
    const values = one.fields.map((field) => read(nameOf(field), one));
    // Objects of a type may tell it here by the name of an interface, and never do.
    if (values.includes(undefined)) return ['unexpected();'];
    const names = values.map((_, place) => `k${place}`);
    const missing = names.map((name) => `${name} === undefined`).join(' || ');
    return [
      ...values.map((value, place) => `const k${place} = ${value};`),
      ...(missing === ''
        ? []
        : one.isOneFragment
          ? block(`if (${missing})`, ['index.push(-1);', 'break;'])
          : [`if (${missing}) unexpected();`]),
      ...numbered(one, textOf(one)),
      'index.push(number);',
      'break;',
    ];
  }

  /** Where all are of one type and have one scalar for a key, its value tells them apart; otherwise their text does. */
  function numbered(one: RepresentationCase, text: string): Lines {
    const [field, ...others] = one.fields;
    const isKeyed =
      cases.length === 1 && one.typenames.length === 1 && others.length === 0 && field && !field.selections;
    const key = isKeyed ? 'k0' : 'representation';
    return [
      isKeyed ? "if (typeof k0 === 'object' && k0 !== null) unexpected();" : `const representation = ${text};`,
      `let number = known.of(${key});`,
      ...block('if (number === -1)', [
        `number = known.add(${key});`,
        "if (number > 0) text += ',';",
        `text += ${isKeyed ? text : key};`,
      ]),
    ];
  }

  function textOf({ typenames: [sole, ...others], rewrittenTo, fields }: RepresentationCase): string {
    const typename = rewrittenTo ?? (others.length === 0 ? sole : undefined);
    const start =
      typename === undefined ? `'{"__typename":' + json(typename)` : quoted(`{"__typename":${literal(typename)}`);
    const parts = fields.map(
      (field, place) => `${quoted(`,${literal(nameOf(field))}:`)} + ${valueText(field, `k${place}`)}`,
    );
    return [start, ...parts, "'}'"].join(' + ');
  }

  function valueText(field: QueryPlanFieldNode, value: string): string {
    if (!field.selections) return `json(${value})`;
    return `${partOf(position, providers(position, nameOf(field)), field)}(${value})`;
  }

  /** Declares a function that writes a part of a representation which is an object, or a list of them, and gives its name. */
  function partOf(parent: Position, [source, ...others]: readonly Source[], field: QueryPlanFieldNode): string {
    const below = at(parent, nameOf(field));
    const fields = plainFields(field.selections ?? []).map((inner) => {
      const inners = providers(below, nameOf(inner));
      if (others.length > 0 || inners.length !== 1 || inners[0]?.fetch !== source?.fetch)
        throw new NotCompilable('an object of a representation from several sources');
      const value = property('value', nameOf(inner));
      const text = inner.selections ? `${partOf(below, inners, inner)}(${value})` : `json(present(${value}))`;
      return `${quoted(`${literal(nameOf(inner))}:`)} + ${text}`;
    });
    const name = `part${functions.length}`;
    functions.push(
      block(`function ${name}(value)`, [
        "if (value === null) return 'null';",
        `if (Array.isArray(value)) return '[' + value.map(${name}).join(',') + ']';`,
        "if (typeof value !== 'object') unexpected();",
        `return '{' + ${fields.join(" + ',' + ")} + '}';`,
      ]),
    );
    return name;
  }

  function read(name: string, one?: RepresentationCase): string | undefined {
    const [sole, ...others] = one?.typenames ?? [];
    const found = providers(position, name, others.length === 0 ? sole : undefined);
    for (const source of found) sources.add(source);
    return found.length === 0 ? undefined : fieldRead(position, found, name, 'undefined');
  }

  function providers(where: Position, name: string, type?: string): Source[] {
    return earlierSources(providersOf(where, name, graph, type), fetch);
  }
}

/** Only what was fetched before a fetch can be read for it. */
export function earlierSources(sources: readonly Source[], { earlier }: Fetch): Source[] {
  return sources.filter((source) => earlier.has(source.fetch));
}
