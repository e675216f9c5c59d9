import {
  type GraphQLField,
  type GraphQLSchema,
  type GraphQLType,
  introspectionTypes,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isWrappingType,
  SchemaMetaFieldDef,
  TypeMetaFieldDef,
} from 'graphql';

/** The fields of the query that ask for the schema itself (https://spec.graphql.org/October2021/#sec-Schema-Introspection), by name. */
export const schemaFields: Readonly<Record<string, GraphQLField<unknown, unknown>>> = {
  [SchemaMetaFieldDef.name]: SchemaMetaFieldDef,
  [TypeMetaFieldDef.name]: TypeMetaFieldDef,
};

/**
 * How many objects a field of introspection leads to in this schema: of a list as many as there are on average, so that a query for all of the schema comes to
 * as many as it has.
 *
 * @returns the number by the field's definition; a part of one for `ofType`, which most types do not have
 */
export function introspectionSizes(schema: GraphQLSchema): ReadonlyMap<GraphQLField<unknown, unknown>, number> {
  const types = Object.values(schema.getTypeMap());
  const directives = schema.getDirectives();
  const composite = types.filter((type) => isObjectType(type) || isInterfaceType(type));
  const fields = composite.flatMap((type) => Object.values(type.getFields()));
  const inputFields = types.filter(isInputObjectType).flatMap((type) => Object.values(type.getFields()));
  const fieldArguments = fields.flatMap(({ args }) => args);
  const directiveArguments = directives.flatMap(({ args }) => args);
  const values = types.filter(isEnumType).flatMap((type) => type.getValues());
  const implemented = composite.flatMap((type) => type.getInterfaces());
  const typed = [...fields, ...fieldArguments, ...directiveArguments, ...inputFields];
  const wrappers = sum(typed.map(({ type }) => wrappersOf(type)));

  const sizes: Record<string, Record<string, number>> = {
    __Schema: { types: types.length, directives: directives.length },
    __Type: {
      fields: fields.length / types.length,
      inputFields: inputFields.length / types.length,
      enumValues: values.length / types.length,
      interfaces: implemented.length / types.length,
      // Whatever implements an interface is one of its possible types.
      possibleTypes: implemented.length / types.length,
      // Each wrapper has a type inside, and each of these may be a wrapper again.
      ofType: wrappers / (typed.length + wrappers),
    },
    __Field: { args: fieldArguments.length / fields.length },
    __Directive: { args: directiveArguments.length / directives.length },
  };
  return new Map(
    introspectionTypes.filter(isObjectType).flatMap((type) =>
      Object.values(type.getFields()).flatMap((field) => {
        const size = sizes[type.name]?.[field.name];
        return size === undefined ? [] : [[field, size] as const];
      }),
    ),
  );
}

function wrappersOf(type: GraphQLType): number {
  return isWrappingType(type) ? 1 + wrappersOf(type.ofType) : 0;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
