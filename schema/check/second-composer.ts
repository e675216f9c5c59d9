import { applyTagFilterOnSubgraphs, composeServices, compositionHasErrors } from '@theguild/federation-composition';
import {
  buildSchema,
  type DocumentNode,
  GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
  specifiedDirectives,
} from 'graphql';
import { type Contract, contracts, hiddenTags } from '../contracts.ts';
import type { ComposedContract } from './composition.ts';
import type { CompositionFinding } from './composition-finding.ts';
import { explain } from './explanations.ts';

/** Whether The Guild's composition, which Hive and other gateways are fed by, makes the same of the subgraphs as Apollo's. */
export function secondOpinion(
  documents: ReadonlyMap<string, DocumentNode>,
  composed: Record<Contract, ComposedContract>,
): CompositionFinding[] {
  const services = [...documents].map(([name, typeDefs]) => ({
    name,
    url: `http://${name}.internal/graphql`,
    typeDefs,
  }));
  return contracts.flatMap((contract) => {
    const hidden = hiddenTags[contract];
    const result = composeServices(
      hidden.length === 0
        ? services
        : applyTagFilterOnSubgraphs(services, { include: new Set(), exclude: new Set(hidden) }),
    );
    if (compositionHasErrors(result)) {
      return result.errors.map(({ message, extensions }) =>
        disagreement(contract, message, String(extensions?.['code'])),
      );
    }
    if (comparable(result.publicSdl) === comparable(composed[contract].api)) return [];
    return [disagreement(contract, `Clients of ${contract} would see another API by it.`, 'API_DIFFERS')];
  });
}

function disagreement(contract: Contract, message: string, code: string): CompositionFinding {
  return {
    code: 'COMPOSERS_DISAGREE',
    message: `The second composer (@theguild/federation-composition) does not agree, with ${code}: ${message}`,
    cause:
      code === 'API_DIFFERS'
        ? 'The two read one rule of federation differently, which happens at the edges of it.'
        : explain(code).cause,
    fix:
      code === 'API_DIFFERS'
        ? 'Compare both results, and write the SDL so that no rule is in doubt.'
        : explain(code).fix,
    contracts: [contract],
    subgraphs: [],
    places: [],
  };
}

/** Without directives: the second composer shows clients those that composition hands to the gateway, the first does not. */
function comparable(api: string): string {
  return printSchema(
    lexicographicSortSchema(new GraphQLSchema({ ...buildSchema(api).toConfig(), directives: specifiedDirectives })),
  );
}
