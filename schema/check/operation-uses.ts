import {
  type ArgumentNode,
  type DocumentNode,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  Kind,
  type ObjectValueNode,
  TypeInfo,
  typeFromAST,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/** What one document asks of a schema: everything by which a change of the schema could be felt. */
export interface OperationUses {
  /** Output fields by coordinate, each with the arguments of every place that selects it. */
  fields: ReadonlyMap<string, readonly (readonly ArgumentNode[])[]>;
  /** Fields of the types that may stand where a field of an interface is selected. */
  reached: ReadonlySet<string>;
  /** Input objects that are written out in the document, by their type. */
  objects: ReadonlyMap<string, readonly ObjectValueNode[]>;
  /** Input objects and enums that come in variables: whatever they allow may be sent. */
  fromVariables: ReadonlySet<string>;
  /** Enum values written in the document, as `Enum.VALUE`. */
  enumValues: ReadonlySet<string>;
  /** Enums, interfaces and unions that answers may be of. */
  receives: ReadonlySet<string>;
  /** Types that the document names, in conditions and for variables. */
  names: ReadonlySet<string>;
  directives: ReadonlySet<string>;
  /** Variables that need not be given and have no default: what they stand for may be left out. */
  optionalVariables: ReadonlySet<string>;
}

/** Reads what a document, valid for `schema`, uses of it. */
export function usesOf(document: DocumentNode, schema: GraphQLSchema): OperationUses {
  const fields = new Map<string, (readonly ArgumentNode[])[]>();
  const reached = new Set<string>();
  const objects = new Map<string, ObjectValueNode[]>();
  const fromVariables = new Set<string>();
  const enumValues = new Set<string>();
  const receives = new Set<string>();
  const names = new Set<string>();
  const directives = new Set<string>();
  const optionalVariables = new Set<string>();
  const info = new TypeInfo(schema);

  visit(
    document,
    visitWithTypeInfo(info, {
      Field(node) {
        const parent = info.getParentType();
        const definition = info.getFieldDef();
        if (!parent || !definition || node.name.value.startsWith('__')) return;
        append(fields, `${parent.name}.${node.name.value}`, node.arguments ?? []);
        if (isInterfaceType(parent)) {
          for (const { name } of schema.getPossibleTypes(parent)) reached.add(`${name}.${node.name.value}`);
        }
        const returned = getNamedType(definition.type);
        if (isAbstractType(returned) || isEnumType(returned)) receives.add(returned.name);
      },
      InlineFragment({ typeCondition }) {
        if (typeCondition) names.add(typeCondition.name.value);
      },
      FragmentDefinition({ typeCondition }) {
        names.add(typeCondition.name.value);
      },
      VariableDefinition({ variable, type, defaultValue }) {
        if (type.kind !== Kind.NON_NULL_TYPE && !defaultValue) optionalVariables.add(variable.name.value);
        const declared = typeFromAST(schema, type as never) as GraphQLInputType | undefined;
        if (declared) addVariable(declared);
      },
      ObjectValue(node) {
        const type = info.getInputType();
        if (type && isInputObjectType(getNamedType(type))) append(objects, getNamedType(type).name, node);
      },
      EnumValue({ value }) {
        const type = info.getInputType();
        if (type) enumValues.add(`${getNamedType(type).name}.${value}`);
      },
      Directive({ name }) {
        directives.add(name.value);
      },
    }),
  );

  function addVariable(type: GraphQLInputType): void {
    const named = getNamedType(type);
    names.add(named.name);
    if (fromVariables.has(named.name)) return;
    if (isEnumType(named)) fromVariables.add(named.name);
    if (!isInputObjectType(named)) return;
    fromVariables.add(named.name);
    for (const field of Object.values(named.getFields())) addVariable(field.type);
  }

  return { fields, reached, objects, fromVariables, enumValues, receives, names, directives, optionalVariables };
}

function append<Item>(lists: Map<string, Item[]>, key: string, item: Item): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}
