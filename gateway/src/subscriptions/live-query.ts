import type { Variables } from '@souk/platform/cost';
import {
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  Kind,
  OperationTypeNode,
  type SelectionSetNode,
  type ValueNode,
  valueFromASTUntyped,
} from 'graphql';
import type { KnownDocument } from '../known-documents.ts';
import { rootFieldsOf } from '../root-fields.ts';

/**
 * A subscription shows what a query answers, again whenever that has changed. A *live query* is the query that is run for it: the same document, in which each
 * field of Subscription stands as the field of Query that the schema names in @live, under the same name in the answer.
 */
export interface LiveQuery {
  document: KnownDocument;
  /** The name that the answer has for what is followed. */
  responseName: string;
  /** The id of what is followed; undefined where the query will say that it is none. */
  idIn(variables: Variables): string | undefined;
}

/** The fields of Subscription, each with the field of Query that is run for it. */
export type LiveFields = ReadonlyMap<string, string>;

export function liveFieldsOf(schema: GraphQLSchema): LiveFields {
  const fields = Object.values(schema.getSubscriptionType()?.getFields() ?? {});
  return new Map(
    fields.flatMap(({ name, astNode }) => {
      const live = astNode?.directives?.find((directive) => directive.name.value === 'live');
      const query = live?.arguments?.find((given) => given.name.value === 'query')?.value;
      return query?.kind === Kind.STRING ? [[name, query.value] as const] : [];
    }),
  );
}

/** A document with queries in place of its subscriptions. What is valid stays so, because the schema's lint has field and query answer alike. */
export function withQueries(document: DocumentNode, liveFields: LiveFields): DocumentNode {
  return {
    ...document,
    definitions: document.definitions.map((definition) => {
      if (definition.kind === Kind.OPERATION_DEFINITION && definition.operation === OperationTypeNode.SUBSCRIPTION) {
        return {
          ...definition,
          operation: OperationTypeNode.QUERY,
          selectionSet: inQuery(definition.selectionSet, liveFields),
        };
      }
      if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.typeCondition.name.value === SUBSCRIPTION) {
        return {
          ...definition,
          typeCondition: queryType,
          selectionSet: inQuery(definition.selectionSet, liveFields),
        };
      }
      return definition;
    }),
  };
}

const SUBSCRIPTION = 'Subscription';
const queryType = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'Query' } } as const;

function inQuery({ selections, ...rest }: SelectionSetNode, liveFields: LiveFields): SelectionSetNode {
  return {
    ...rest,
    selections: selections.map((selection) => {
      if (selection.kind === Kind.FIELD) return asQueryField(selection, liveFields);
      if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
      const { typeCondition, selectionSet } = selection;
      return {
        ...selection,
        ...(typeCondition ? { typeCondition: queryType } : {}),
        selectionSet: inQuery(selectionSet, liveFields),
      };
    }),
  };
}

function asQueryField(field: FieldNode, liveFields: LiveFields): FieldNode {
  const query = liveFields.get(field.name.value);
  if (query === undefined) return field;
  return {
    ...field,
    alias: field.alias ?? field.name,
    name: { kind: Kind.NAME, value: query },
    arguments: (field.arguments ?? []).map((given) => ({ ...given, name: { kind: Kind.NAME, value: 'id' } })),
  };
}

/** What a valid subscription follows: it has one root field, and that has one argument. */
export function followedBy(
  document: DocumentNode,
  operationName: string | undefined,
): Pick<LiveQuery, 'responseName' | 'idIn'> {
  const operation = document.definitions.find(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      (operationName === undefined || definition.name?.value === operationName),
  );
  const field = operation?.kind === Kind.OPERATION_DEFINITION ? rootFieldsOf(document, operation)[0] : undefined;
  if (!field) throw new Error('Expected a subscription, which has a root field.');
  const given = field.arguments?.[0]?.value;
  const defaults = operation?.kind === Kind.OPERATION_DEFINITION ? (operation.variableDefinitions ?? []) : [];
  return {
    responseName: (field.alias ?? field.name).value,
    idIn(variables) {
      const values = Object.fromEntries(
        defaults.map(({ variable: { name }, defaultValue }) => [
          name.value,
          variables[name.value] ?? (defaultValue && valueFromASTUntyped(defaultValue)),
        ]),
      );
      return idOf(given, values);
    },
  };
}

/** An ID may be written as text or as a whole number (https://spec.graphql.org/October2021/#sec-ID). */
function idOf(given: ValueNode | undefined, variables: Variables): string | undefined {
  const value: unknown = given && valueFromASTUntyped(given, { ...variables });
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
