import {
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';

/** Something that a client may ask for. */
export interface Askable {
  /** As it is recorded: `Order.note`, `Order.lines(first:)`, `OrderPlaceInput.note`, `Speed.FAST`. */
  coordinate: string;
  /** Undefined for what is not deprecated. */
  deprecationReason: string | undefined;
}

/** All that clients of a schema may ask for. Values of enums that only answers have are none of it: nobody asks for those. */
export function askableIn(schema: GraphQLSchema): Askable[] {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  const sent = new Set<unknown>();
  const fields = types.flatMap((type) => {
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).map((field) => {
        sent.add(getNamedType(field.type));
        return askable(`${type.name}.${field.name}`, field);
      });
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap((field) => {
      const coordinate = `${type.name}.${field.name}`;
      for (const given of field.args) sent.add(getNamedType(given.type));
      return [
        askable(coordinate, field),
        ...field.args.map((given) => askable(`${coordinate}(${given.name}:)`, given)),
      ];
    });
  });
  const values = types.flatMap((type) =>
    isEnumType(type) && sent.has(type)
      ? type.getValues().map((value) => askable(`${type.name}.${value.name}`, value))
      : [],
  );
  return [...fields, ...values];
}

function askable(
  coordinate: string,
  { deprecationReason }: { deprecationReason?: string | null | undefined },
): Askable {
  return { coordinate, deprecationReason: deprecationReason ?? undefined };
}
