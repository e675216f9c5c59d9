import { type Random, randomFor } from '@souk/dev/seed/random';
import {
  type DirectiveNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  parseConstValue,
  parseType,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { createCompiledGateway } from '../../gateway/src/execution/compiled-gateway.ts';
import type { DeliverRest, FirstPart, LaterPart } from '../../gateway/src/execution/deferred/run-deferred.ts';
import type { ExecutionPath } from '../../gateway/src/execution/engine.ts';
import { openStockGateway, serve, type TestedGateway } from './gateways.ts';
import type { Graph } from './graphs.ts';
import type { Operation } from './operation.ts';
import { plain } from './plain-operation.ts';
import { misplanned } from './planner-faults.ts';
import type { SeriesOptions } from './series.ts';
import { openStockParts } from './stock-parts.ts';
import { typenameOnly } from './valid.ts';
import { faultIn, together, typesIn } from './whole-of-parts.ts';
import { openDataSource } from './wire.ts';

/*
 * Operations with `@defer` by chance. Their parts, put together as a client does and with nulls carried on to where a whole answer has them, are to be the whole
 * answer that the stock gateway gives without it. Members come in another order then, and what is asked twice may fail twice; so it is compared what
 * the data are, and whether anything is said to be wrong.
 *
 * A plan in parts may depend on other subgraphs than the whole one: a key that is there where an object is named is asked for in the subgraph of the object, and
 * nothing is asked for a fragment of which there turns out to be no place. When such a subgraph fails, the two answers rightly differ. What differs is then held
 * against what the stock executor makes of the plan in parts, or of the whole one while nothing fails that the other does without, and is counted.
 */

/** What a series with `@defer` is run with. */
export const deferring = {
  open: openDeferringGateway,
  openExpected: openWholeGateway,
  openPlanned: openPlannedGateway,
  askAlike: false,
  risks: {
    // Failures of all that is asked of a subgraph. With `@defer` more is asked, so what fails in a part of an answer only may fail elsewhere.
    failures: [
      'status 500 with a page',
      'status 401',
      'connection reset',
      'timeout',
      'no JSON',
      'data is null',
      'data is null, with errors',
    ],
    // A subgraph is asked again for an object that it has answered with, by its key.
    unknownEntities: false,
  },
} satisfies Partial<SeriesOptions>;

/** The stock gateway's whole answers, as far as parts can be like them. */
export async function openWholeGateway(graph: Graph): Promise<TestedGateway> {
  const { run, close } = await openStockGateway(graph);
  return {
    async run(operation, circumstances) {
      const { status, body } = await run(comparable(graph, operation), circumstances);
      return { status, body: comparisonOfWhole(body) };
    },
    close,
  };
}

/** Whole answers by the plan in parts, with the stock executor. */
export async function openPlannedGateway(graph: Graph, inParts: InParts = inPartsByChance): Promise<TestedGateway> {
  const { run, close } = await openStockParts(graph);
  return {
    async run(operation, circumstances) {
      const { status, body } = await run(inParts(graph, operation), circumstances);
      return { status, body: comparisonOfWhole(body) };
    },
    close,
  };
}

/** Ours, asked for the same in parts. */
export async function openDeferringGateway(graph: Graph, inParts: InParts = inPartsByChance): Promise<TestedGateway> {
  const { supergraphSdl, apiSchema } = graph;
  let taken: { path?: ExecutionPath; rest?: DeliverRest } = {};
  const gateway = createCompiledGateway({
    supergraphSdl,
    buildService: ({ name }) => openDataSource(name),
    takesParts: () => (rest) => {
      taken.rest = rest;
    },
    onExecution(path) {
      taken.path = path;
    },
  });
  const { run, close } = await serve(gateway);
  return {
    async run(operation, circumstances) {
      taken = {};
      const deferring = inParts(graph, operation);
      const { status, body } = await run(deferring, circumstances);
      const first = JSON.parse(body) as FirstPart;
      const later: LaterPart[] = [];
      // As over a wire.
      await taken.rest?.((part) => later.push(JSON.parse(JSON.stringify(part)) as LaterPart));
      const parts = taken.rest ? later : undefined;
      return { status, body: comparisonOfParts(apiSchema, deferring, first, parts), path: taken.path };
    },
    close,
  };
}

function comparisonOfWhole(body: string): string {
  const { data = null, ...others } = JSON.parse(body) as FirstPart;
  return comparison(data, isFailed(others));
}

/** @param later undefined when the first part is all there is */
export function comparisonOfParts(
  schema: GraphQLSchema,
  deferring: Operation,
  first: FirstPart,
  later: readonly LaterPart[] | undefined,
): string {
  const fault = later && faultIn(later);
  if (fault) return JSON.stringify({ errors: [fault], query: deferring.query });
  const parts = later ?? [];
  const failed = [first, ...parts.flatMap(({ incremental }) => incremental)].some(isFailed);
  return comparison(together(first.data ?? null, parts, typesIn(schema, deferring)), failed);
}

function isFailed({ errors, extensions }: FirstPart): boolean {
  return errors !== undefined || extensions !== undefined;
}

/** As an answer that tells no more than what is compared. */
function comparison(data: unknown, failed: boolean): string {
  return JSON.stringify({ ...(failed ? { errors: ['some'] } : {}), data: ordered(data) });
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .filter(([name]) => name !== '__typename')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, ordered(member)]);
}

/** What of an operation can be compared: what the planner plans rightly, written so that the stock gateway shapes it rightly. */
function comparable({ name: graph, apiSchema }: Graph, { query, ...others }: Operation): Operation {
  const document = visit(parse(query, { noLocation: true }), {
    Field(field) {
      if (graph !== 'library') return undefined;
      if (misplanned.fields.has(field.name.value) || field.name.value === incomparable) return null;
      return misplanned.arguments.has(field.name.value) ? { ...field, arguments: [] } : undefined;
    },
    SelectionSet: { leave: ({ selections }) => (selections.length === 0 ? typenameOnly : undefined) },
  });
  return plain(apiSchema, { query: print(document), ...others });
}

/** It depends on whether the subgraph was told the name of the branch, which it has itself where it begins. */
const incomparable = 'till';

/** Says what of an operation is to come later. */
type InParts = (graph: Graph, operation: Operation) => Operation;

const inPartsByChance: InParts = (graph, operation) =>
  deferringBy(randomFor(operation.query), comparable(graph, operation));

/** Defers by chance: fragments that are there, and selections that are put in one. */
function deferringBy(random: Random, { query, variables, operationName }: Operation): Operation {
  const conditions = new Map<string, boolean>();
  let labels = 0;

  function directive(): DirectiveNode {
    const label = random.chance(60) ? `label: "l${labels++}"` : '';
    if (!random.chance(30)) return directiveOf(label);
    const condition = random.pick(['true', 'false', '$d0', '$d1']);
    if (condition.startsWith('$')) conditions.set(condition.slice(1), random.chance(70));
    return directiveOf(`${label} if: ${condition}`);
  }

  function maybeDeferred<Node extends { directives?: readonly DirectiveNode[] | undefined }>(node: Node): Node {
    return random.chance(35) ? { ...node, directives: [...(node.directives ?? []), directive()] } : node;
  }

  function wrapped({ selections }: SelectionSetNode): SelectionSetNode | undefined {
    if (!random.chance(25)) return undefined;
    const from = random.integer(0, selections.length - 1);
    const to = random.integer(from + 1, selections.length);
    const fragment: SelectionNode = {
      kind: Kind.INLINE_FRAGMENT,
      directives: [directive()],
      selectionSet: { kind: Kind.SELECTION_SET, selections: selections.slice(from, to) },
    };
    return { kind: Kind.SELECTION_SET, selections: [...selections.slice(0, from), fragment, ...selections.slice(to)] };
  }

  const document = visit(parse(query, { noLocation: true }), {
    InlineFragment: { leave: maybeDeferred },
    FragmentSpread: { leave: maybeDeferred },
    SelectionSet: { leave: wrapped },
  });
  const [operation] = document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION);
  const defined = visit(document, {
    OperationDefinition: (node) =>
      node.name?.value === operation?.name?.value ? withVariables(node, [...conditions.keys()]) : undefined,
  });
  return {
    query: print(defined),
    variables: { ...variables, ...Object.fromEntries(conditions) },
    ...(operationName ? { operationName } : {}),
  };
}

function directiveOf(given: string): DirectiveNode {
  const [operation] = parse(`{ ... @defer${given.trim() ? `(${given})` : ''} { a } }`, {
    noLocation: true,
  }).definitions;
  const [fragment] = (operation as OperationDefinitionNode).selectionSet.selections;
  return fragment?.directives?.[0] as DirectiveNode;
}

function withVariables(node: OperationDefinitionNode, names: readonly string[]): OperationDefinitionNode {
  const added = names.map((name) => ({
    kind: Kind.VARIABLE_DEFINITION as const,
    variable: { kind: Kind.VARIABLE as const, name: { kind: Kind.NAME as const, value: name } },
    type: parseType('Boolean', { noLocation: true }),
    defaultValue: parseConstValue('true', { noLocation: true }),
  }));
  return { ...node, variableDefinitions: [...(node.variableDefinitions ?? []), ...added] };
}
