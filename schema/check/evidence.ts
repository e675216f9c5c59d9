import { type DocumentNode, type GraphQLSchema, parse, validate } from 'graphql';
import type { Contract } from '../contracts.ts';
import { type OperationUses, usesOf } from './operation-uses.ts';

/** An operation that a version of a client was built with. */
export interface RegisteredOperation {
  contract: Contract;
  client: string;
  version: string;
  name: string;
  body: string;
  /** When it was registered first, ISO 8601; null when nobody knows. */
  since: string | null;
}

/** That clients asked for something within the time that is looked at. Coordinates are those of the schema: `Order.note`, `Order.lines(first:)`. */
export interface FieldUsage {
  contract: Contract;
  client: string;
  version: string;
  coordinate: string;
  requests: number;
  /** ISO 8601. */
  firstSeenAt: string;
  lastSeenAt: string;
}

/** A registered operation and how it stands to the schema before and after. */
export interface ReadOperation extends RegisteredOperation {
  uses: OperationUses;
  /** Why it is not valid any more; empty when it is. */
  faults: readonly string[];
}

export interface Evidence {
  operations: readonly ReadOperation[];
  usage: readonly FieldUsage[];
  /** Registered, but not even valid before: they count for nothing. */
  stale: readonly StaleOperation[];
}

export interface StaleOperation extends RegisteredOperation {
  reason: string;
}

/** Reads the registered operations of one contract against its schema before and after a change. */
export function readEvidence(
  { operations, usage }: { operations: readonly RegisteredOperation[]; usage: readonly FieldUsage[] },
  before: GraphQLSchema,
  after: GraphQLSchema,
): Evidence {
  const read: ReadOperation[] = [];
  const stale: StaleOperation[] = [];
  for (const operation of operations) {
    const { document, reason } = parseFor(before, operation.body);
    if (document) {
      const faults = validate(after, document).map(({ message }) => message);
      read.push({ ...operation, uses: usesOf(document, before), faults });
    } else {
      stale.push({ ...operation, reason });
    }
  }
  return { operations: read, usage, stale };
}

function parseFor(schema: GraphQLSchema, body: string): { document?: DocumentNode; reason: string } {
  try {
    const document = parse(body);
    const [fault] = validate(schema, document);
    return fault ? { reason: fault.message } : { document, reason: '' };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}
