import { buildASTSchema, type DocumentNode, GraphQLError, type GraphQLSchema, getOperationAST, parse } from 'graphql';
import { LRUCache } from 'lru-cache';
import { type CostEstimate, type CostEstimator, createCostEstimator, type Variables } from './cost.ts';
import { countTokens, type DocumentLimits, guardDocument } from './document-guard.ts';

/** A document that passed the guard, with all that follows from its text alone. */
export interface KnownDocument {
  text: string;
  ast: DocumentNode;
  /** The key under which Apollo Server found it valid for the schema it serves; undefined until then. */
  validAs: string | undefined;
  /** What one of its operations costs, in points; undefined when it has none of this name. Ask for valid documents only. */
  cost(operationName: string | undefined, variables: Variables): number | undefined;
}

export interface KnownDocuments {
  /**
   * The document of a text, which is parsed and guarded when it comes for the first time. Undefined when it is no GraphQL: the parser says why.
   *
   * @throws {SoukError} OPERATION_LIMIT_EXCEEDED, GRAPHQL_VALIDATION_FAILED
   */
  admit(text: string): KnownDocument | undefined;
}

const MAX_DOCUMENTS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** What a parsed document keeps for each token of its text, as measured. */
const BYTES_PER_TOKEN = 400;

/**
 * Does once for each document what depends on its text alone, and remembers the documents used last. It belongs to one supergraph: with the next one, nothing
 * is known.
 *
 * @param supergraph the composed SDL, which prices fields and says which are sensitive
 */
export function createKnownDocuments(supergraph: string, limits: DocumentLimits): KnownDocuments {
  const schema = buildASTSchema(parse(supergraph), { assumeValidSDL: true });
  const sensitiveFields = sensitiveFieldsOf(schema);
  const estimator = createCostEstimator(schema);
  const known = new LRUCache<string, KnownDocument>({ max: MAX_DOCUMENTS, maxSize: MAX_BYTES });

  function read(text: string): KnownDocument {
    const tokens = countTokens(text, limits);
    const ast = parse(text);
    guardDocument(ast, limits, sensitiveFields);
    const document = { text, ast, validAs: undefined, cost: costOf(ast, estimator) };
    known.set(text, document, { size: text.length * 2 + tokens * BYTES_PER_TOKEN });
    return document;
  }

  return {
    admit(text) {
      try {
        return known.get(text) ?? read(text);
      } catch (error) {
        if (error instanceof GraphQLError) return undefined;
        throw error;
      }
    },
  };
}

function sensitiveFieldsOf(schema: GraphQLSchema): ReadonlySet<string> {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = roots.flatMap((root) => (root ? Object.values(root.getFields()) : []));
  const isSensitive = ({ astNode }: (typeof fields)[number]) =>
    astNode?.directives?.some(({ name }) => name.value === 'sensitive');
  return new Set(fields.filter(isSensitive).map(({ name }) => name));
}

/** Each operation is priced when it is first run, and no sooner: before that, nobody knows whether the document is valid. */
function costOf(ast: DocumentNode, estimator: CostEstimator): KnownDocument['cost'] {
  const estimates = new Map<string | undefined, CostEstimate>();
  return (operationName, variables) => {
    const known = estimates.get(operationName);
    if (known) return known(variables);
    const operation = getOperationAST(ast, operationName);
    if (!operation) return undefined;
    const estimate = estimator(ast, operation);
    estimates.set(operationName, estimate);
    return estimate(variables);
  };
}
