import type { Contract } from '../../contracts.ts';
import { type Assessment, safe } from '../assess/assessment.ts';
import type { Marks } from './marks.ts';

/** A subgraph's SDL before and after. */
export interface SubgraphPair {
  name: string;
  before: Marks;
  after: Marks;
}

/** What changed between subgraphs, or between a subgraph and its callers, which an API schema does not show. */
export interface FederationChange {
  kind: string;
  coordinate: string;
  message: string;
  subgraphs: readonly string[];
  assessment: Assessment;
  /** Contracts in which it means something, when that is not all in which the coordinate is seen. */
  contracts?: readonly Contract[];
}

/** The same judgement whether or not anybody is known to use it. */
export function always(judgement: Assessment['otherwise'], usedAt: readonly string[] = []): Assessment {
  return { ...safe(''), whenFelt: judgement, otherwise: judgement, usedAt };
}

/** Felt by who selects the coordinate, a field or any field of a type. */
export function selecting(coordinate: string): Pick<Assessment, 'feels' | 'usedAt'> {
  const isField = coordinate.includes('.');
  return {
    feels: ({ uses }) => {
      const selected = [...uses.fields.keys(), ...uses.reached];
      const isSelected = selected.some((used) => (isField ? used === coordinate : used.startsWith(`${coordinate}.`)));
      return isSelected ? 'selects it' : undefined;
    },
    usedAt: [isField ? coordinate : `${coordinate}.*`],
  };
}
