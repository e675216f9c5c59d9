import type { Operation } from '@apollo/federation-internals';
import type { QueryPlan } from '@apollo/query-planner';
import { collectorCode } from './code/collector.ts';
import { evaluate } from './code/runtime.ts';
import { writerCode } from './code/writer.ts';
import type { ConditionValues } from './condition-values.ts';
import type { Graph } from './graph.ts';
import { positionsOf } from './positions.ts';
import { type ObjectShape, shapeOf } from './shape.ts';
import { type Fetch, type Step, stepsOf } from './steps.ts';
import { prepareRequests } from './subgraph-request.ts';

/*
 * Terminology
 *
 * A *fetch* is one request to a subgraph that the plan makes. A *root fetch* asks for root fields, an *entity fetch* for entities by their
 * *representations* (https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec).
 *
 * A *position* is a place in the response tree: a path without the indices of lists.
 *
 * A *source* at a position is a fetch that supplies fields of the objects there. A root fetch, and what is nested in the answer of any fetch, is a *base*
 * source; an entity fetch is *attached* at its position.
 *
 * Answers are never merged. For an entity fetch there is an *index*: for each object at its position, in depth-first order, the number of its entity. Whoever
 * goes through the objects of a position (a *collector*, which makes up the representations for a later fetch, or the *writer* of the response) counts them,
 * and so finds the entity of each. A field is read from the newest source that has it.
 *
 * Operations are compiled to JavaScript for one combination of the values that `@skip` and `@include` depend on.
 */

/** An operation in its compiled form. */
export interface CompiledOperation {
  step: Step;
  fetches: readonly CompiledFetch[];
  /** Writes the text of `data`. @throws {Unexpected} */
  write: (run: Answers, mustEscape: boolean) => string;
}

export interface CompiledFetch extends Fetch {
  request: ReturnType<typeof prepareRequests>;
  /** Of an entity fetch. @throws {Unexpected} */
  collect: ((run: Answers) => Collected) | undefined;
}

/** What the fetches of one run have brought so far, by their numbers. */
export interface Answers {
  /** Of root fetches. */
  data: unknown[];
  /** Of entity fetches. */
  entities: unknown[][];
  index: number[][];
}

export interface Collected {
  /** JSON text of the representations, separated by commas. */
  text: string;
  count: number;
  /** For each object the number of its representation; -1 for one that has none. */
  index: number[];
}

/**
 * Compiles an operation.
 *
 * @throws {NotCompilable} with the reason
 */
export function compile(
  operation: Operation,
  plan: QueryPlan,
  conditions: ConditionValues,
  graph: Graph,
): CompiledOperation {
  const { step, fetches } = stepsOf(plan, conditions);
  const root = positionsOf(fetches, conditions);
  const shape = shapeOf(operation, root, conditions, graph);
  return {
    step,
    fetches: fetches.map((fetch) => ({
      ...fetch,
      request: prepareRequests(fetch.node),
      collect: fetch.node.requires && evaluate<CompiledFetch['collect']>(collectorCode(fetch, root, graph)),
    })),
    write: createWriter(shape, graph),
  };
}

/** Most answers have nothing that JSON escapes, so that each string can be written as it is; the writer that looks into them is made when one has. */
function createWriter(shape: ObjectShape, graph: Graph): CompiledOperation['write'] {
  type Write = (run: Answers) => string;
  const writePlain = evaluate<Write>(writerCode(shape, graph, false));
  let writeEscaped: Write | undefined;
  return (run, mustEscape) => {
    if (!mustEscape) return writePlain(run);
    writeEscaped ??= evaluate<Write>(writerCode(shape, graph, true));
    return writeEscaped(run);
  };
}
