import type { Graph } from './check.ts';
import type { FieldUsage, RegisteredOperation } from './evidence.ts';

/** What a change is compared with: what is published, and what is known of those who use it. */
export interface Baseline {
  /** Null when nothing is published yet. */
  graph: Graph | null;
  operations: readonly RegisteredOperation[];
  usage: readonly FieldUsage[];
  /** On how many days it was recorded. */
  usageDays: number;
  /** When an operation was registered, where that is found out only if somebody wants to know. */
  sinceOf?: (operation: RegisteredOperation) => string | null;
}
