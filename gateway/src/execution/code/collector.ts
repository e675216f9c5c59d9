import type { Graph } from '../graph.ts';
import { NotCompilable } from '../not-compilable.ts';
import { at, baseSources, type Position, providersOf, type Source } from '../positions.ts';
import type { Fetch } from '../steps.ts';
import { block, type Lines } from './lines.ts';
import { allVisited, attachedAnswers, attachedObjects, fieldRead, forEachObject, object } from './reading.ts';
import { earlierSources, representationCode } from './representation.ts';

/**
 * Writes the collector of an entity fetch: a function that goes through the objects at the fetch's position and puts down the representation of each, once if
 * several are the same. It returns their JSON text, how many there are, and for each object in the order of the visit which one is its own (-1: none).
 *
 * @throws {NotCompilable}
 */
export function collectorCode(fetch: Fetch, root: Position, graph: Graph): string {
  const attached = new Set<Source>();
  const functions: string[] = [];
  const steps = stepsAlong(fetch.path);
  const walk = descend(root, 0);
  return [
    ...functions,
    ...block('return function collect(run)', [
      ...attachedAnswers([...attached]),
      'const known = new Numbering();',
      'const index = [];',
      "let text = '';",
      ...earlierSources(baseSources(root), fetch).map(
        (source) => `const ${object(source)} = run.data[${source.fetch.number}];`,
      ),
      ...walk,
      ...allVisited([...attached]),
      'return { text, count: known.size, index };',
    ]),
  ].join('\n');

  /** Code that goes on from the object in hand, at a certain step of the way. */
  function descend(position: Position, depth: number): Lines {
    const step = steps[depth];
    if (!step) return representation(position);
    const { name, listDepth } = step;
    const providers = earlierSources(providersOf(position, name, graph), fetch).filter(
      ({ fields }) => fields.get(name)?.fields,
    );
    if (providers.length === 0) throw new NotCompilable(`no source of ${fetch.path.join('.')}`);
    const values = providers.map((source) => fieldRead(position, [source], name, 'undefined'));
    return [
      ...attachedTo(providers),
      ...forEachObject(values, listDepth, `v${depth}`, (objects) => [
        ...providers.map((source, place) => `const ${object(source)} = ${objects[place]};`),
        ...descend(at(position, name), depth + 1),
      ]),
    ];
  }

  function representation(position: Position): Lines {
    const { functions: declared, lines, sources } = representationCode(fetch, position, graph);
    functions.push(...declared);
    return [...attachedTo(sources), ...lines];
  }

  function attachedTo(sources: readonly Source[]): Lines {
    const needed = sources.filter(({ kind }) => kind === 'attached');
    for (const source of needed) attached.add(source);
    return attachedObjects(needed);
  }
}

/** The names of a path, each with the number of lists its objects are in. */
function stepsAlong(path: readonly string[]): { name: string; listDepth: number }[] {
  const steps: { name: string; listDepth: number }[] = [];
  for (const element of path) {
    const last = steps.at(-1);
    if (element !== '@') steps.push({ name: element, listDepth: 0 });
    else if (last) last.listDepth++;
  }
  return steps;
}
