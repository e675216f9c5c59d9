import {
  type ASTNode,
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  parse,
  print,
  visit,
} from 'graphql';
import { compare, type Gateways, type Outcome, type Run } from './run.ts';
import { without, withoutFaults } from './valid.ts';

/** Looks for a smaller operation in simpler circumstances whose answers still differ. */
export async function shrink(outcome: Outcome, gateways: Gateways, maxAttempts: number): Promise<Outcome> {
  let smallest = outcome;
  let attempts = 0;
  for (let progress = true; progress; ) {
    progress = false;
    for (const run of smallerThan(smallest.run)) {
      if (++attempts > maxAttempts) return smallest;
      const smaller = await compare(run, gateways);
      if (!smaller.difference) continue;
      smallest = smaller;
      progress = true;
      break;
    }
  }
  return smallest;
}

/** What is one step simpler, the largest steps first. */
function* smallerThan(run: Run): Generator<Run> {
  for (const name of run.failing.keys()) {
    yield { ...run, failing: new Map([...run.failing].filter(([other]) => other !== name)) };
  }
  const { world } = run;
  if (world.nullPercent > 0) yield { ...run, world: { ...world, nullPercent: 0 } };
  if (world.unknownPercent > 0) yield { ...run, world: { ...world, unknownPercent: 0 } };
  if (world.texts !== 'plain') yield { ...run, world: { ...world, texts: 'plain' } };

  const document = parse(run.operation.query, { noLocation: true });
  const wanted = getOperationAST(document, run.operation.operationName);
  for (const part of partsOf(document).filter((each) => each !== wanted)) {
    const smaller = documentWithout(world.graph.apiSchema, document, part);
    const query = smaller && print(smaller);
    if (query && query.length < run.operation.query.length) yield { ...run, operation: { ...run.operation, query } };
  }
  for (const name of Object.keys(run.operation.variables)) {
    const { [name]: _, ...variables } = run.operation.variables;
    if (!run.operation.query.includes(`$${name}`)) yield { ...run, operation: { ...run.operation, variables } };
  }
}

function documentWithout(schema: GraphQLSchema, document: DocumentNode, part: ASTNode): DocumentNode | undefined {
  try {
    return withoutFaults(schema, without(document, new Set([part])));
  } catch {
    return undefined;
  }
}

/** What can be left out, from the outside to the inside. */
function partsOf(document: DocumentNode): ASTNode[] {
  const parts: { node: ASTNode; depth: number }[] = [];
  visit(document, {
    enter(node, _key, _parent, path) {
      if (kinds.has(node.kind)) parts.push({ node, depth: path.length });
    },
  });
  return parts.sort((one, other) => one.depth - other.depth).map(({ node }) => node);
}

const kinds = new Set<Kind>([
  Kind.FIELD,
  Kind.INLINE_FRAGMENT,
  Kind.FRAGMENT_SPREAD,
  Kind.DIRECTIVE,
  Kind.ARGUMENT,
  Kind.OPERATION_DEFINITION,
]);
