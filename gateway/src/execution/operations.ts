import { setImmediate as turn } from 'node:timers/promises';
import { documentHash } from '@souk/platform/document-hash';
import { type DocumentNode, Kind, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Graph } from './graph.ts';
import { type PlannedOperation, planOperation } from './planned-operation.ts';

/** The operations of one supergraph, planned and compiled once. */
export interface Operations {
  /** @throws what the planner throws */
  get(wanted: WantedOperation): PlannedOperation;
  /** Plans and compiles registered documents ahead, one after the other and with room for others in between. What is not valid for the supergraph is left out. */
  warm(texts: Iterable<string>): Promise<void>;
}

export interface WantedOperation {
  document: DocumentNode;
  /** Its text. */
  source: string;
  /** The SHA-256 hash of its text, in hexadecimal. */
  queryHash: string;
  operationName: string | null;
}

export interface OperationsOptions {
  graph: Graph;
  /** Whether a document is registered. What is keeps its place, however many others come. */
  isRegistered: (text: string) => boolean;
  /** Told of each operation that is wanted whether it was known, and how many are. */
  onLookup: (isKnown: boolean, count: number) => void;
  /** How many operations that are not registered are kept. */
  maxOperations?: number;
}

const MAX_OPERATIONS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** What a planned and compiled operation keeps for each character of its plan, as measured. */
const BYTES_PER_CHARACTER = 60;

export function createOperations(options: OperationsOptions): Operations {
  const { graph, isRegistered, onLookup, maxOperations = MAX_OPERATIONS } = options;
  const registered = new Map<string, PlannedOperation>();
  const others = new LRUCache<string, PlannedOperation>({ max: maxOperations, maxSize: MAX_BYTES });

  function add(key: string, { document, source, operationName }: WantedOperation): PlannedOperation {
    const planned = planOperation(document, operationName ?? undefined, graph);
    if (isRegistered(source)) registered.set(key, planned);
    else
      others.set(key, planned, { size: (source.length + JSON.stringify(planned.plan).length) * BYTES_PER_CHARACTER });
    return planned;
  }

  return {
    get(wanted) {
      const key = keyOf(wanted);
      const known = registered.get(key) ?? others.get(key);
      const planned = known ?? add(key, wanted);
      onLookup(known !== undefined, registered.size + others.size);
      return planned;
    },
    async warm(texts) {
      for (const text of texts) {
        try {
          for (const wanted of operationsIn(text)) {
            const planned = add(keyOf(wanted), wanted);
            planned.formFor({});
            planned.deferredFor({});
          }
        } catch {
          // Validation tells whoever asks for it.
        }
        await turn();
      }
    },
  };
}

function keyOf({ queryHash, operationName }: Pick<WantedOperation, 'queryHash' | 'operationName'>): string {
  return `${queryHash} ${operationName ?? ''}`;
}

function operationsIn(source: string): WantedOperation[] {
  const document = parse(source, { noLocation: true });
  const queryHash = documentHash(source);
  return document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION
      ? [{ document, source, queryHash, operationName: definition.name?.value ?? null }]
      : [],
  );
}
