import type { DocumentNode, GraphQLSchema } from 'graphql';
import { usesOf } from '../check/operation-uses.ts';

/**
 * What a document of one operation, valid for `schema`, asks for: coordinates as they are recorded. Nobody looks into variables: what is given by one counts as given, and where an
 * input type or an enum comes in one, anything that it allows may have been sent, which is recorded as `OrderPlaceInput.*`. A field that is selected on an interface is asked for on each
 * of its types.
 */
export function coordinatesOf(document: DocumentNode, schema: GraphQLSchema): string[] {
  const { fields, reached, objects, fromVariables, enumValues } = usesOf(document, schema);
  const coordinates = new Set([...fields.keys(), ...reached, ...enumValues]);
  for (const [field, places] of fields) {
    for (const { name } of places.flat()) coordinates.add(`${field}(${name.value}:)`);
  }
  for (const [type, written] of objects) {
    for (const { name } of written.flatMap((object) => object.fields)) coordinates.add(`${type}.${name.value}`);
  }
  for (const type of fromVariables) coordinates.add(`${type}.*`);
  return [...coordinates];
}
