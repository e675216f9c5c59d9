import type { StatementTally } from './sql-statements.ts';

/**
 * What a subgraph tells the gateway of the work it had with a request, beside its answer: in `extensions`, which go no further than the gateway. It tells it
 * only where the gateway's signed assertion asks for it, which it does for staff who may see that.
 */
export interface SubgraphDebug {
  sql: StatementTally;
}

const EXTENSION = 'soukDebug';

/** What an answer has to say in its `extensions`. */
export function debugExtensions(debug: SubgraphDebug): Record<string, SubgraphDebug> {
  return { [EXTENSION]: debug };
}

/** What an answer says of the work it took; undefined when it says nothing. */
export function debugIn(extensions: Record<string, unknown> | undefined): SubgraphDebug | undefined {
  return extensions?.[EXTENSION] as SubgraphDebug | undefined;
}
