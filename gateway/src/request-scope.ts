import { AsyncLocalStorage } from 'node:async_hooks';
import type { Viewer } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import type { TokenCustody } from '@souk/platform/token-custody';
import type { KnownDocument } from './known-documents.ts';

/** What the gateway knows of the request it is answering; the GraphQL context, and the scope of its error formatter. */
export interface RequestScope {
  requestId: string;
  /** Null for an anonymous request. */
  viewer: Viewer | null;
  clientIp: string;
  clientAgent: string;
  /** Where the client has its refresh token kept; undefined when it keeps it itself. */
  custody?: TokenCustody | undefined;
  log: Logger;
  /** Ends when the client hangs up before it has its answer. */
  hungUp: AbortSignal;
  /** Set once the door has let a document in. */
  document?: KnownDocument;
}

/** Apollo's `formatError` is told the error and nothing else, so the request it belongs to is found here. */
export const requestScope = new AsyncLocalStorage<RequestScope>();
