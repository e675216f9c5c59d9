import type { HTTPGraphQLRequest } from '@apollo/server';
import { badUserInput } from '@souk/platform/errors';
import { isRecord } from '@souk/platform/is-record';

/** The document a request asks for: by its text, by an id it is registered or remembered by, or both. */
export interface WantedDocument {
  text: string | undefined;
  id: string | undefined;
}

/**
 * Reads which document a request wants. The id stands in `extensions.persistedQuery.sha256Hash`, where Apollo's clients put it, or in `documentId`
 * (https://github.com/graphql/graphql-over-http/blob/main/spec/Appendix%20A%20--%20Persisted%20Documents.md).
 * Undefined when it asks for none, or in no form that Apollo Server would read either: then that is who says what was expected.
 *
 * @throws {SoukError} BAD_USER_INPUT
 */
export function wantedDocument(request: HTTPGraphQLRequest): WantedDocument | undefined {
  return wantedIn(parametersOf(request));
}

/** The same of the parameters of a request. */
export function wantedIn({ query, documentId, extensions }: Record<string, unknown>): WantedDocument | undefined {
  const text = typeof query === 'string' && query !== '' ? query : undefined;
  const id = typeof documentId === 'string' ? documentId.replace(/^sha256:/, '') : hashIn(extensions);
  return text === undefined && id === undefined ? undefined : { text, id };
}

/** Which operation of its document a request wants; undefined where it has one only, or says so in no form that is read. */
export function operationNameIn(request: HTTPGraphQLRequest): string | undefined {
  const { operationName } = parametersOf(request);
  return typeof operationName === 'string' ? operationName : undefined;
}

/** The same request with the text of its document, and nothing left of an id. */
export function withText(request: HTTPGraphQLRequest, text: string): HTTPGraphQLRequest {
  if (request.method === 'GET') {
    const parameters = new URLSearchParams(request.search);
    parameters.delete('documentId');
    parameters.delete('extensions');
    parameters.set('query', text);
    return { ...request, search: `?${parameters}` };
  }
  const { documentId: _, extensions, ...body } = request.body as Record<string, unknown>;
  const { persistedQuery: __, ...others } = isRecord(extensions) ? extensions : {};
  return { ...request, body: { ...body, query: text, extensions: others } };
}

function parametersOf({ method, body, search }: HTTPGraphQLRequest): Record<string, unknown> {
  if (method !== 'GET') return isRecord(body) ? body : {};
  const parameters = new URLSearchParams(search);
  return { ...Object.fromEntries(parameters), extensions: parsed(parameters.get('extensions')) };
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

function hashIn(extensions: unknown): string | undefined {
  if (!isRecord(extensions) || extensions['persistedQuery'] === undefined) return undefined;
  const { persistedQuery } = extensions;
  if (isRecord(persistedQuery) && persistedQuery['version'] === 1 && typeof persistedQuery['sha256Hash'] === 'string') {
    return persistedQuery['sha256Hash'];
  }
  throw badUserInput('Expected extensions.persistedQuery to be of version 1 and to have a sha256Hash.');
}
