import { isInputType, isInterfaceType, isObjectType } from 'graphql';
import type { ReadOperation } from '../evidence.ts';
import { type Assessment, type Assessors, anotherToMeet, removal, type Schemas, safe } from './assessment.ts';

/** Changes of what clients read: types, fields, and what may stand where an interface or a union does. */
export const outputAssessors: Assessors = {
  FIELD_ADDED: () => safe('Nobody asks for it yet.'),

  FIELD_REMOVED: ({ typeName, removedFieldName }, { before, today }) => {
    const coordinate = `${typeName}.${removedFieldName}`;
    const type = before.getType(typeName);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[removedFieldName] : undefined;
    return removal({ deprecationReason: field?.deprecationReason, what: coordinate }, today, selecting(coordinate));
  },

  FIELD_TYPE_CHANGED: ({ typeName, fieldName, oldFieldType, newFieldType, isSafeFieldTypeChange }) => {
    if (isSafeFieldTypeChange) return safe('It promises more than before, and keeps what it promised.');
    const coordinate = `${typeName}.${fieldName}`;
    const mayBeNull = newFieldType === oldFieldType.replace(/!$/, '');
    return {
      ...selecting(coordinate),
      whenFelt: {
        verdict: 'breaking',
        reason: mayBeNull
          ? `Clients that were promised a value of ${coordinate} may get null.`
          : `Clients expect ${coordinate} to be ${oldFieldType}, and get ${newFieldType}.`,
        remedy: mayBeNull
          ? 'Keep it non-null, or add a nullable field beside it and deprecate this one.'
          : 'Add a field of the new type beside it, and deprecate this one with a day.',
      },
      otherwise: {
        verdict: 'dangerous',
        reason: `Its type changes, but no registered operation selects ${coordinate}.`,
      },
    };
  },

  TYPE_ADDED: () => safe('Nobody asks for it yet.'),

  // A client reaches a type through fields and arguments only, and those are assessed by themselves.
  TYPE_REMOVED: ({ removedTypeName: name }) => ({
    feels: ({ uses }) => (uses.names.has(name) ? 'names it' : undefined),
    usedAt: [],
    whenFelt: {
      verdict: 'breaking',
      reason: `Documents that name ${name} are not valid any more.`,
      remedy: `Keep ${name} until these clients do without it.`,
    },
    otherwise: { verdict: 'safe', reason: `No registered operation names ${name}; it goes with what led to it.` },
  }),

  TYPE_KIND_CHANGED: ({ typeName, newTypeKind }, { before }) => ({
    feels: (operation) => touches(operation, typeName),
    usedAt: fieldsOf(typeName, { before }),
    whenFelt: {
      verdict: 'breaking',
      reason: `${typeName} becomes another kind of type (${newTypeKind}), and documents written for the old one may not be valid.`,
      remedy: 'Add a type with a new name, and lead to it by new fields.',
    },
    otherwise: {
      verdict: 'dangerous',
      reason: `${typeName} becomes another kind of type, but no registered operation uses it.`,
    },
  }),

  UNION_MEMBER_ADDED: ({ unionName, addedToNewType }, schemas) =>
    addedToNewType ? safe('The union is new.') : anotherToMeet(unionName, 'type', schemas),

  UNION_MEMBER_REMOVED: ({ unionName, removedUnionMemberTypeName: member }) => fewerPossibleTypes(unionName, member),

  OBJECT_TYPE_INTERFACE_ADDED: ({ addedInterfaceName }, schemas) =>
    schemas.before.getType(addedInterfaceName)
      ? anotherToMeet(addedInterfaceName, 'type', schemas)
      : safe('The interface is new.'),

  OBJECT_TYPE_INTERFACE_REMOVED: ({ objectTypeName, removedInterfaceName }) =>
    fewerPossibleTypes(removedInterfaceName, objectTypeName),

  SCHEMA_QUERY_TYPE_CHANGED: ({ newQueryTypeName }) => rootChanged('query', newQueryTypeName),
  SCHEMA_MUTATION_TYPE_CHANGED: ({ newMutationTypeName }) => rootChanged('mutation', newMutationTypeName),
  SCHEMA_SUBSCRIPTION_TYPE_CHANGED: ({ newSubscriptionTypeName }) =>
    rootChanged('subscription', newSubscriptionTypeName),
};

function selecting(coordinate: string): Pick<Assessment, 'feels' | 'usedAt'> {
  return { feels: ({ uses }) => (uses.fields.has(coordinate) ? 'selects it' : undefined), usedAt: [coordinate] };
}

function touches({ uses }: ReadOperation, typeName: string): string | undefined {
  if (uses.names.has(typeName)) return 'names it';
  if (uses.receives.has(typeName)) return 'receives it';
  return [...uses.fields.keys()].some((coordinate) => coordinate.startsWith(`${typeName}.`)) ? 'selects it' : undefined;
}

function fieldsOf(typeName: string, { before }: Pick<Schemas, 'before'>): string[] {
  const type = before.getType(typeName);
  if (!type || isInputType(type) || !('getFields' in type)) return [];
  return Object.keys(type.getFields()).map((field) => `${typeName}.${field}`);
}

function fewerPossibleTypes(abstract: string, member: string): Assessment {
  return {
    feels: ({ uses, faults }) =>
      faults.length > 0 && uses.names.has(member) && (uses.receives.has(abstract) || uses.names.has(abstract))
        ? `looks for ${member} in it`
        : undefined,
    usedAt: [],
    whenFelt: {
      verdict: 'breaking',
      reason: `Documents that look for ${member} where ${abstract} stands are not valid any more.`,
      remedy: `Let these clients stop looking for ${member} first.`,
    },
    otherwise: {
      verdict: 'dangerous',
      reason: `${abstract} is never ${member} again; no registered operation depends on it.`,
    },
  };
}

function rootChanged(kind: string, name: string | null): Assessment {
  return {
    feels: ({ faults }) => (faults.length > 0 ? `is a ${kind}` : undefined),
    usedAt: [],
    whenFelt: { verdict: 'breaking', reason: `There is no ${kind} as before.`, remedy: 'Keep the root type.' },
    otherwise: { verdict: 'dangerous', reason: `The root of every ${kind} is ${name ?? 'gone'} now.` },
  };
}
