import type { ApolloServerOptions, ApolloServerPlugin, HTTPGraphQLRequest } from '@apollo/server';
import { coordinatesOf } from '@souk/schema/usage/coordinates';
import { documentAdmitted, documentLookedUp } from './accounting/request-record.ts';
import type { DocumentLimits } from './document-guard.ts';
import { createKnownDocuments, type KnownDocument, type KnownDocuments } from './known-documents.ts';
import { type RequestScope, requestScope } from './request-scope.ts';
import type { Safelist } from './safelist.ts';
import { createLiveQueries } from './subscriptions/live-queries.ts';
import type { LiveQuery } from './subscriptions/live-query.ts';
import type { CountUsage } from './usage/usage-counts.ts';
import { operationNameIn, type WantedDocument, wantedDocument, withText } from './wanted-document.ts';

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
  /** A document that is wanted, if it is known and may be run, without asking anybody or counting anything; undefined for what `find` and `admit` have to look at. */
  recognise(wanted: WantedDocument): KnownDocument | undefined;
  /**
   * Does the rest of what `find` does for a document that was recognised.
   *
   * @throws {SoukError} when it may not be run any more
   */
  count(document: KnownDocument): void;
  /** Does the rest of what `admit` does for it. */
  letIn(document: KnownDocument, wanted: WantedDocument, operationName: string | undefined, scope: RequestScope): void;
  /**
   * The query that is run for a subscription, whose document was let in.
   *
   * @throws {SubscriptionOver} when it is not valid
   */
  liveQuery(document: KnownDocument, operationName: string | undefined): LiveQuery;
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

export interface DocumentDoorOptions {
  /** Path of the endpoint, for metrics. */
  endpoint: string;
  safelist: Safelist;
  limits: DocumentLimits;
  /** Counts what clients ask for; undefined where nobody wants to know. */
  countUsage: CountUsage | undefined;
}

export function createDocumentDoor({ endpoint, safelist, limits, countUsage }: DocumentDoorOptions): DocumentDoor {
  let documents: KnownDocuments | undefined;
  let liveQueries: DocumentDoor['liveQuery'] | undefined;

  function note(
    known: KnownDocument,
    wanted: WantedDocument,
    operationName: string | undefined,
    { isNew, scope }: { isNew: boolean; scope: RequestScope },
  ): void {
    scope.document = known;
    documentAdmitted(scope.record, {
      name: safelist.nameOf(known.text),
      kind: known.kind(operationName),
      hash: known.hash(),
      asked: known.asked(operationName),
    });
    documentLookedUp(endpoint, !isNew, documents?.count() ?? 0);
    safelist.learn(wanted);
  }

  return {
    async find(request) {
      const wanted = wantedDocument(request);
      return { request, document: wanted && { wanted, text: await safelist.textOf(wanted) } };
    },

    isReserved: ({ document }) => document !== undefined && documents?.isReserved(document.text) === true,

    admit({ request, document }, scope) {
      if (!document) return request;
      const { wanted, text } = document;
      const isNew = documents?.known(text) === undefined;
      const known = documents?.admit(text);
      if (known) note(known, wanted, operationNameIn(request), { isNew, scope });
      return wanted.id === undefined ? request : withText(request, text);
    },

    recognise(wanted) {
      const text = safelist.peek(wanted);
      return text === undefined ? undefined : documents?.known(text);
    },

    count: ({ text }) => safelist.meetMode(text),

    letIn(document, wanted, operationName, scope) {
      note(document, wanted, operationName, { isNew: false, scope });
    },

    liveQuery(document, operationName) {
      if (!liveQueries) throw new Error('Expected a supergraph: a document was let in.');
      return liveQueries(document, operationName);
    },

    serverOptions: { persistedQueries: false, documentStore, parseOptions: { maxTokens: limits.tokens } },

    plugin: {
      async serverWillStart() {
        return {
          schemaDidLoadOrUpdate({ apiSchema, coreSupergraphSdl = '' }) {
            documents = createKnownDocuments(
              coreSupergraphSdl,
              limits,
              countUsage && ((document) => countUsage(() => coordinatesOf(document(), apiSchema))),
            );
            liveQueries = createLiveQueries(documents, apiSchema);
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
