import { createCostEstimator, type Variables } from '@souk/platform/cost';
import { documentHash } from '@souk/platform/document-hash';
import {
  buildASTSchema,
  type DocumentNode,
  GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
  print,
  separateOperations,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { countTokens, type DocumentLimits, guardDocument } from './document-guard.ts';
import { defers } from './execution/deferred/mark-deferred.ts';
import { asksForSchema } from './introspection.ts';
import { type CacheableOperation, createReadCacheable } from './response-cache/cacheable-operation.ts';
import { createRootFieldUses, type RootFieldUse, rootFieldsMarked, rootFieldsOf } from './root-fields.ts';
import { type LiveFields, liveFieldsOf } from './subscriptions/live-query.ts';
import type { AskedOperation } from './usage/usage-counts.ts';

/** A document that passed the guard, with all that follows from its text alone. */
export interface KnownDocument {
  text: string;
  ast: DocumentNode;
  /** The key under which Apollo Server found it valid for the schema it serves; undefined until then. */
  validAs: string | undefined;
  /** What one of its operations costs, in points; undefined when it has none of this name. Ask for valid documents only. */
  cost(operationName: string | undefined, variables: Variables): number | undefined;
  /** What one of its operations asks of the shop; undefined when it has none of this name. Ask for valid documents only. */
  rootFields(operationName: string | undefined, variables: Variables): RootFieldUse[] | undefined;
  /** One of its operations, if its answers may be kept for everybody. Ask for valid documents only. */
  cacheable(operationName: string | undefined): CacheableOperation | undefined;
  /** Whether it asks for nothing but what finishes a purchase. */
  isReserved: boolean;
  /** What kind of operation one of its operations is; undefined when it has none of this name. */
  kind(operationName: string | undefined): OperationTypeNode | undefined;
  /** SHA-256 of the text, in hexadecimal. */
  hash(): string;
  /** Where it is counted who asks for one of its operations; undefined when it has none of this name, or nobody counts. Count valid documents only. */
  asked(operationName: string | undefined): AskedOperation | undefined;
  /** Whether anything in it is deferred, on whatever condition. */
  defers: boolean;
  /** Whether it asks for the schema itself, in whatever part of it. */
  asksForSchema: boolean;
}

export interface KnownDocuments {
  /**
   * The document of a text, which is parsed and guarded when it comes for the first time. Undefined when it is no GraphQL: the parser says why.
   *
   * @throws {SoukError} OPERATION_LIMIT_EXCEEDED, GRAPHQL_VALIDATION_FAILED
   */
  admit(text: string): KnownDocument | undefined;
  /** Whether a text asks for nothing but what finishes a purchase. One that names none of that is not parsed for it. */
  isReserved(text: string): boolean;
  /** The document of a text, if it need not be parsed. */
  known(text: string): KnownDocument | undefined;
  /** How many documents are remembered. */
  count(): number;
  /** What follows from a document that was made here, out of one that passed the guard. It is not remembered. */
  derive(ast: DocumentNode): KnownDocument;
  /** What is run for subscriptions. */
  liveFields: LiveFields;
}

const MAX_DOCUMENTS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** What a parsed document keeps for each token of its text, as measured. */
const BYTES_PER_TOKEN = 500;

/**
 * Does once for each document what depends on its text alone, and remembers the documents used last. It belongs to one supergraph: with the next one, nothing
 * is known.
 *
 * @param supergraph the composed SDL, which prices fields and says which are sensitive and which finish a purchase
 * @param openCount opens the count of one operation, which stands in a document of its own; undefined where nobody counts
 */
export function createKnownDocuments(
  supergraph: string,
  limits: DocumentLimits,
  openCount?: (document: () => DocumentNode) => AskedOperation,
): KnownDocuments {
  const schema = buildASTSchema(parse(supergraph), { assumeValidSDL: true });
  const sensitiveFields = rootFieldsMarked(schema, 'sensitive');
  const reservedFields = rootFieldsMarked(schema, 'reserved');
  const estimator = createCostEstimator(schema);
  const readCacheable = createReadCacheable(schema, supergraph);
  const known = new LRUCache<string, KnownDocument>({ max: MAX_DOCUMENTS, maxSize: MAX_BYTES });

  function read(text: string): KnownDocument {
    const tokens = countTokens(text, limits);
    const ast = parse(text);
    guardDocument(ast, limits, sensitiveFields);
    const document = describe(text, ast);
    known.set(text, document, { size: text.length * 2 + tokens * BYTES_PER_TOKEN });
    return document;
  }

  function describe(text: string, ast: DocumentNode): KnownDocument {
    let hash: string | undefined;
    const cacheable = forEachOperation(ast, (operation) => {
      const found = readCacheable({ text, ast }, operation);
      return () => found;
    });
    const asked = forEachOperation(ast, (operation) => {
      const opened = openCount?.(() => alone(ast, operation));
      return () => opened;
    });
    return {
      text,
      ast,
      validAs: undefined,
      cost: forEachOperation(ast, (operation) => estimator(ast, operation)),
      rootFields: forEachOperation(ast, (operation) =>
        createRootFieldUses(ast, operation, { estimator, sensitiveFields }),
      ),
      cacheable: (operationName) => cacheable(operationName, {}),
      asked: (operationName) => asked(operationName, {}),
      isReserved: asksOnlyFor(reservedFields, ast),
      defers: defers(ast),
      asksForSchema: asksForSchema(ast),
      kind: (operationName) => getOperationAST(ast, operationName)?.operation,
      hash: () => (hash ??= documentHash(text)),
    };
  }

  function admit(text: string): KnownDocument | undefined {
    try {
      return known.get(text) ?? read(text);
    } catch (error) {
      if (error instanceof GraphQLError) return undefined;
      throw error;
    }
  }

  return {
    admit,
    known: (text) => known.get(text),
    count: () => known.size,
    derive: (ast) => describe(print(ast), ast),
    liveFields: liveFieldsOf(schema),
    isReserved(text) {
      if (![...reservedFields].some((name) => text.includes(name))) return false;
      try {
        return admit(text)?.isReserved ?? false;
      } catch {
        // Whatever is wrong with it is said when it is let in.
        return false;
      }
    },
  };
}

/** Works on each operation when it is first run, and no sooner: before that, nobody knows whether the document is valid. */
function forEachOperation<Value>(
  ast: DocumentNode,
  prepare: (operation: OperationDefinitionNode) => (variables: Variables) => Value,
): (operationName: string | undefined, variables: Variables) => Value | undefined {
  const prepared = new Map<string | undefined, (variables: Variables) => Value>();
  return (operationName, variables) => {
    const known = prepared.get(operationName);
    if (known) return known(variables);
    const operation = getOperationAST(ast, operationName);
    if (!operation) return undefined;
    const evaluate = prepare(operation);
    prepared.set(operationName, evaluate);
    return evaluate(variables);
  };
}

/** An operation with the fragments that it needs. */
function alone(ast: DocumentNode, { name }: OperationDefinitionNode): DocumentNode {
  return separateOperations(ast)[name?.value ?? ''] ?? ast;
}

function asksOnlyFor(names: ReadonlySet<string>, ast: DocumentNode): boolean {
  const operations = ast.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const asked = operations.flatMap((operation) => rootFieldsOf(ast, operation));
  return asked.length > 0 && asked.every(({ name }) => names.has(name.value));
}
