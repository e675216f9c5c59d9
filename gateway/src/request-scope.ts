import { AsyncLocalStorage } from 'node:async_hooks';
import type { Viewer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import type { TokenCustody } from '@souk/platform/token-custody';
import type { DebugReport } from './accounting/debug.ts';
import type { RequestRecord } from './accounting/request-record.ts';
import type { DeliverRest } from './execution/deferred/run-deferred.ts';
import type { KnownDocument } from './known-documents.ts';
import type { Lend } from './limits/slots.ts';
import type { Caching } from './response-cache/response-cache.ts';
import type { Sources } from './response-cache/sources.ts';
import type { Ahead } from './short-way.ts';

/** What the gateway knows of the request it is answering; the GraphQL context, and the scope of its error formatter. */
export interface RequestScope {
  requestId: string;
  /** Null for an anonymous request. */
  viewer: Viewer | null;
  clientIp: string;
  clientAgent: string;
  /** Where the client has its refresh token kept; undefined when it keeps it itself. */
  custody?: TokenCustody | undefined;
  /** Gives the logger whose lines name the request. Few have anything to say, so it is made for those. */
  log(): Logger;
  /** What is told of the request when it is over. */
  record: RequestRecord;
  /** What staff are told of the work beside their answer, who asked for that; then the answer is neither cached nor shared. */
  debug?: DebugReport | undefined;
  /** Ends when the client hangs up before it has its answer. */
  hungUp: AbortSignal;
  /** Lets another request have its place in the gateway; undefined when it has none. */
  lendPlace?: Lend;
  /** Set once the door has let a document in. */
  document?: KnownDocument;
  /** Where the executor may leave what follows the first part of an answer; undefined when it is to be whole. */
  parts?: { rest?: DeliverRest };
  /** Where to note what an answer that will be kept is made from. */
  sources?: Sources;
  /** What the cache of answers did for it: Apollo Server copies this scope, and what is noted in here is seen in all copies. */
  caching: Caching;
  /** What the short way has done already. */
  ahead?: Ahead;
}

/** Apollo's `formatError` is told the error and nothing else, so the request it belongs to is found here. */
export const requestScope = new AsyncLocalStorage<RequestScope>();
