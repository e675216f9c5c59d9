import { globSync, readFileSync } from 'node:fs';
import { documentHash } from '@souk/platform/document-hash';
import { buildSchema, Kind, type OperationDefinitionNode, parse, print, validate } from 'graphql';

/**
 * The operations this project itself registers, one in each file of `operations/<contract>/`, as a manifest that gateways read and clients take ids from
 * (https://www.apollographql.com/docs/graphos/platform/security/persisted-queries#manifest-format).
 *
 * @param api what clients of the contract see, as SDL
 * @throws when a file does not hold one named operation that is valid for the contract
 */
export function composeManifest(contract: 'storefront' | 'admin', api: string): string {
  const schema = buildSchema(api);
  const folder = new URL(`operations/${contract}/`, import.meta.url);
  const operations = globSync('*.graphql', { cwd: folder })
    .sort()
    .map((file) => {
      const document = parse(readFileSync(new URL(file, folder), 'utf8'));
      const [operation, ...others] = document.definitions;
      if (operation?.kind !== Kind.OPERATION_DEFINITION || !operation.name || others.length > 0) {
        throw new Error(`Expected ${contract}/${file} to hold one operation with a name and nothing else.`);
      }
      const faults = validate(schema, document);
      if (faults.length > 0) throw new Error(`${contract}/${file}: ${faults.map(({ message }) => message).join(' ')}`);
      return { name: operation.name.value, type: operation.operation, body: print(document) };
    });
  return manifestText(operations);
}

/** A manifest of these operations, each with the hash of its text as its id. */
export function manifestText(operations: readonly ManifestOperation[]): string {
  const listed = operations.map(({ name, type, body }) => ({
    id: documentHash(body),
    name,
    type,
    body,
  }));
  return `${JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 1, operations: listed }, null, 2)}\n`;
}

export interface ManifestOperation {
  name: string;
  type: OperationDefinitionNode['operation'];
  body: string;
}
