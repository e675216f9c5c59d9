import { SoukError } from '@souk/platform/errors';
import { type DocumentNode, visit } from 'graphql';
import type { RequestScope } from './request-scope.ts';

const SCHEMA_SCOPE = 'schema:read';
/** https://spec.graphql.org/October2021/#sec-Schema-Introspection. `__typename` tells of an answer, not of the schema. */
const introspectionFields = new Set(['__schema', '__type']);

/** Whether anything in a document asks for the schema, used or not: what is wrong with it otherwise, validation would say with the schema's words. */
export function asksForSchema(document: DocumentNode): boolean {
  let asks = false;
  visit(document, {
    Field({ name }) {
      asks ||= introspectionFields.has(name.value);
    },
  });
  return asks;
}

/**
 * Keeps the schema from those who may not see it, before anything of their document is validated. Where it is not shown to everybody, staff with `schema:read` see
 * it, at either endpoint.
 *
 * @throws {SoukError} UNAUTHENTICATED, FORBIDDEN
 */
export function refuseIntrospection({ document, viewer }: Pick<RequestScope, 'document' | 'viewer'>): void {
  if (!document?.asksForSchema || viewer?.scopes.has(SCHEMA_SCOPE)) return;
  throw new SoukError(
    viewer ? 'FORBIDDEN' : 'UNAUTHENTICATED',
    'Expected a document that does not ask for the schema, which is not shown here. Staff with the scope schema:read see it.',
  );
}
