import { ApolloGateway, type GraphQLDataSource } from '@apollo/gateway';
import type { PlanNode, QueryPlan } from '@apollo/query-planner';
import { ApolloServer } from '@apollo/server';
import { answererOf, type BenchSubgraph } from './answers.ts';
import { operationOf, type Recording, type Step } from './contestants/floor.ts';
import { sdlOf } from './subgraphs.ts';
import { type Workload, workloadNames, workloadOf } from './workloads.ts';

/** Runs each workload once in this process, to know what has to be fetched for it, in which order, and what the answer is. */
export async function record(supergraphSdl: string, urls: Record<BenchSubgraph, string>): Promise<Recording> {
  let plan: QueryPlan | undefined;
  let sent: { subgraph: string; query: string; body: string }[] = [];
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ name }) =>
      openDataSource(name as BenchSubgraph, (query, body) => sent.push({ subgraph: name, query, body })),
    experimental_didResolveQueryPlan({ queryPlan }) {
      plan = queryPlan;
    },
  });
  const server = new ApolloServer({ gateway });
  await server.start();

  const bodyOf = (subgraph: string, query: string) => {
    const at = sent.findIndex((each) => each.subgraph === subgraph && each.query === query);
    return sent.splice(at, 1)[0]?.body ?? '';
  };
  const stepsOf = (node: PlanNode): Step => {
    switch (node.kind) {
      case 'Sequence':
        return { sequence: node.nodes.map(stepsOf) };
      case 'Parallel':
        return { parallel: node.nodes.map(stepsOf) };
      case 'Flatten':
        return stepsOf(node.node);
      case 'Fetch':
        return { url: urls[node.serviceName as BenchSubgraph], body: bodyOf(node.serviceName, node.operation) };
      default:
        throw new Error(`Expected a plan of fetches, got ${node.kind}.`);
    }
  };

  const recordOne = async ({ query, variables: variablesOf }: Workload) => {
    sent = [];
    const variables = variablesOf(0);
    const { body } = await server.executeOperation({ query, variables });
    if (body.kind !== 'single' || body.singleResult.errors || !plan?.node)
      throw new Error(`Expected an answer to ${query}`);
    const [, name = ''] = /query (\w+)/.exec(query) ?? [];
    const answer: unknown = JSON.parse(JSON.stringify(body.singleResult.data));
    return [operationOf(name, JSON.stringify(variables)), { steps: stepsOf(plan.node as PlanNode), answer }] as const;
  };
  const recording: Recording = {};
  for (const name of workloadNames) {
    const [operation, recorded] = await recordOne(workloadOf(name));
    recording[operation] = recorded;
  }
  await server.stop();
  return recording;
}

function openDataSource(name: BenchSubgraph, onRequest: (query: string, body: string) => void): GraphQLDataSource {
  const answer = answererOf(name, sdlOf(name));
  return {
    async process({ request: { query = '', variables, operationName } }) {
      const body = JSON.stringify({ query, operationName, variables });
      onRequest(query, body);
      return JSON.parse(await answer(body)) as Awaited<ReturnType<GraphQLDataSource['process']>>;
    },
  };
}
