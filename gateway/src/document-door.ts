import type { ApolloServerOptions, ApolloServerPlugin, HTTPGraphQLRequest } from '@apollo/server';
import type { DocumentLimits } from './document-guard.ts';
import { createKnownDocuments, type KnownDocuments } from './known-documents.ts';
import { type RequestScope, requestScope } from './request-scope.ts';
import type { Safelist } from './safelist.ts';
import { type WantedDocument, wantedDocument, withText } from './wanted-document.ts';

/** The way of a document from a request to Apollo Server: found, let in by the safelist, measured by the guard, and remembered. */
export interface DocumentDoor {
  /**
   * Finds the text of the document that a request wants, which costs next to nothing.
   *
   * @throws {SoukError} when there is none, or none that may be run
   */
  find(request: HTTPGraphQLRequest): Promise<FoundDocument>;
  /** Whether a request asks for nothing but what finishes a purchase. */
  isReserved(found: FoundDocument): boolean;
  /**
   * Turns a request into one that carries the text of its document, and notes in the scope what is known of it. A request that names no document, or one that
   * does not parse, is passed on as it is: Apollo Server runs nothing of it, and says what was expected.
   *
   * @throws {SoukError} when the document asks for too much
   */
  admit(found: FoundDocument, scope: RequestScope): HTTPGraphQLRequest;
  /** What Apollo Server has to be told: not to look for documents by itself, and where those are that it has validated. */
  serverOptions: Pick<ApolloServerOptions<RequestScope>, 'persistedQueries' | 'documentStore' | 'parseOptions'>;
  /** Forgets the known documents when the supergraph is swapped. */
  plugin: ApolloServerPlugin<RequestScope>;
}

/** A request, and the document it wants; undefined when it names none. */
export interface FoundDocument {
  request: HTTPGraphQLRequest;
  document: { wanted: WantedDocument; text: string } | undefined;
}

export function createDocumentDoor({ safelist, limits }: { safelist: Safelist; limits: DocumentLimits }): DocumentDoor {
  let documents: KnownDocuments | undefined;

  return {
    async find(request) {
      const wanted = wantedDocument(request);
      return { request, document: wanted && { wanted, text: await safelist.textOf(wanted) } };
    },

    isReserved: ({ document }) => document !== undefined && documents?.isReserved(document.text) === true,

    admit({ request, document }, scope) {
      if (!document) return request;
      const { wanted, text } = document;
      const known = documents?.admit(text);
      if (known) {
        scope.document = known;
        safelist.learn(wanted);
      }
      return wanted.id === undefined ? request : withText(request, text);
    },

    serverOptions: { persistedQueries: false, documentStore, parseOptions: { maxTokens: limits.tokens } },

    plugin: {
      async serverWillStart() {
        return {
          schemaDidLoadOrUpdate({ coreSupergraphSdl = '' }) {
            documents = createKnownDocuments(coreSupergraphSdl, limits);
          },
        };
      },
    },
  };
}

/** Apollo Server keeps here what it has validated. The key names schema and text, so what was valid for an earlier schema is validated again. */
const documentStore: NonNullable<ApolloServerOptions<RequestScope>['documentStore']> = {
  async get(key) {
    const document = requestScope.getStore()?.document;
    return document?.validAs === key ? document.ast : undefined;
  },
  async set(key) {
    const document = requestScope.getStore()?.document;
    if (document) document.validAs = key;
  },
  async delete() {
    return false;
  },
};
