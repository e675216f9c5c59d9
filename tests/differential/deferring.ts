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
import { withoutFaults } from './valid.ts';
import { faultIn, together, typesIn } from './whole-of-parts.ts';
import { openDataSource } from './wire.ts';

/*
 * Operations with `@defer` by chance, in which every object tells its type: of one that does not, the stock gateway leaves out what is asked of that type in a fragment within one of
 * another. What they ask of the schema is left out, which has `@defer` in it where parts are taken. Their parts, put together as a client does and with nulls carried on to where a whole answer has them, are to be the whole
 * answer that the stock gateway gives without it. Members come in another order then, and what is asked twice may fail twice; so it is compared what
 * the data are, and whether anything is said to be wrong.
 */

/** The stock gateway's whole answers, as far as parts can be like them. */
export async function openWholeGateway(graph: Graph): Promise<TestedGateway> {
  const { run, close } = await openStockGateway(graph);
  return {
    async run(operation, circumstances) {
      const { status, body } = await run(
        telling(graph.apiSchema, operation),
        circumstances && { ...circumstances, sent: [] },
      );
      const { data = null, errors, extensions } = JSON.parse(body) as FirstPart;
      return { status, body: comparable(data, errors !== undefined || extensions !== undefined) };
    },
    close,
  };
}

/** Ours, asked for the same in parts. */
export async function openDeferringGateway({ supergraphSdl, apiSchema }: Graph): Promise<TestedGateway> {
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
      const deferring = deferringBy(randomFor(operation.query), telling(apiSchema, operation));
      const { status, body } = await run(deferring, circumstances && { ...circumstances, sent: [] });
      const first = JSON.parse(body) as FirstPart;
      const later: LaterPart[] = [];
      // As over a wire.
      await taken.rest?.((part) => later.push(JSON.parse(JSON.stringify(part)) as LaterPart));
      const fault = taken.rest && faultIn(later);
      const isFailed = [first, ...later.flatMap(({ incremental }) => incremental)].some(
        ({ errors, extensions }) => errors !== undefined || extensions !== undefined,
      );
      const whole = together(first.data ?? null, later, typesIn(apiSchema, deferring));
      return { status, body: fault ? `${fault}\n${deferring.query}` : comparable(whole, isFailed), path: taken.path };
    },
    close,
  };
}

function comparable(data: unknown, isFailed: boolean): string {
  return JSON.stringify({ data: ordered(data), isFailed });
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, ordered(member)]);
}

function telling(schema: GraphQLSchema, { query, ...others }: Operation): Operation {
  const document = visit(parse(query, { noLocation: true }), {
    // Its variables are those of the first.
    OperationDefinition: ({ name }) => (name?.value === 'Another' ? null : undefined),
    // Under a condition the stock gateway leaves out more than it should, where aliases meet.
    Directive: () => null,
    Field: ({ name }) => (incomparable.has(name.value) ? null : undefined),
    SelectionSet: {
      leave: ({ selections }) => ({ kind: Kind.SELECTION_SET, selections: [typename, ...selections] }),
    },
  });
  return { query: print(withoutFaults(schema, document)), ...others };
}

/** Beside the schema: what the till is depends on whether the subgraph was told the name of the branch, which it has itself where it begins. */
const incomparable = new Set(['__schema', '__type', 'till']);
const typename: SelectionNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

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
