import { type DocumentNode, type GraphQLSchema, specifiedRules, validate } from 'graphql';
import { MAX_REQUEST_ERRORS } from '../error-cap.ts';
import { formatError } from '../errors.ts';
import type { KnownDocument, KnownDocuments } from '../known-documents.ts';
import { followedBy, type LiveQuery, withQueries } from './live-query.ts';
import { SubscriptionOver } from './subscription-over.ts';

/**
 * Prepares the live queries of an endpoint, each document once. A subscription is validated as the client wrote it, so that what is wrong is said in its own
 * words; Apollo Server validates the query like any other.
 *
 * @returns a function that throws {SubscriptionOver} for a subscription that is not valid
 */
export function createLiveQueries(
  documents: KnownDocuments,
  schema: GraphQLSchema,
): (document: KnownDocument, operationName: string | undefined) => LiveQuery {
  const prepared = new WeakMap<DocumentNode, KnownDocument>();

  function prepare({ ast }: KnownDocument): KnownDocument {
    const faults = validate(schema, ast, specifiedRules, { maxErrors: MAX_REQUEST_ERRORS });
    if (faults.length > 0) {
      throw new SubscriptionOver(
        faults.slice(0, MAX_REQUEST_ERRORS).map((fault) => formatError({ ...fault.toJSON(), extensions }, fault)),
      );
    }
    const document = documents.derive(withQueries(ast, documents.liveFields));
    prepared.set(ast, document);
    return document;
  }

  return (document, operationName) => ({
    document: prepared.get(document.ast) ?? prepare(document),
    ...followedBy(document.ast, operationName),
  });
}

const extensions = { code: 'GRAPHQL_VALIDATION_FAILED' };
