import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  Kind,
} from 'graphql';
import type { ReadOperation } from '../evidence.ts';
import { type Assessment, type Assessors, anotherToMeet, removal, safe } from './assessment.ts';

/** Changes of what clients send: arguments, fields of input objects, and enum values, which also come back. */
export const inputAssessors: Assessors = {
  FIELD_ARGUMENT_ADDED: ({ typeName, fieldName, addedArgumentName, isAddedFieldArgumentBreaking, addedToNewField }) => {
    if (addedToNewField) return safe('The field is new.');
    if (!isAddedFieldArgumentBreaking) return safe('Clients need not give it.');
    const coordinate = `${typeName}.${fieldName}`;
    return {
      feels: ({ uses }) => (uses.fields.has(coordinate) ? `selects it without ${addedArgumentName}` : undefined),
      usedAt: [coordinate],
      whenFelt: {
        verdict: 'breaking',
        reason: `Documents that ask for ${coordinate} do not give ${addedArgumentName}, and are refused.`,
        remedy: 'Make the argument nullable or give it a default value.',
      },
      otherwise: {
        verdict: 'dangerous',
        reason: `It is required, but no registered operation asks for ${coordinate}.`,
      },
    };
  },

  FIELD_ARGUMENT_REMOVED: ({ typeName, fieldName, removedFieldArgumentName: argument }, { before, today }) => {
    const what = `${typeName}.${fieldName}(${argument}:)`;
    const deprecationReason = argumentOf(before, typeName, fieldName, argument)?.deprecationReason;
    return removal({ deprecationReason, what }, today, {
      feels: (operation) => (gives(operation, `${typeName}.${fieldName}`, argument) ? 'gives it' : undefined),
      usedAt: [what],
    });
  },

  FIELD_ARGUMENT_TYPE_CHANGED: (meta, { after }) => {
    const { typeName, fieldName, argumentName, oldArgumentType, newArgumentType, isSafeArgumentTypeChange } = meta;
    if (isSafeArgumentTypeChange) return safe('It accepts all that it accepted before.');
    const field = `${typeName}.${fieldName}`;
    const definition = argumentOf(after, typeName, fieldName, argumentName);
    const isRequired = definition !== undefined && isRequiredArgument(definition);
    return {
      // Whether a document fits the new type, its validation says.
      feels: (operation) => {
        if (operation.faults.length === 0) return undefined;
        if (gives(operation, field, argumentName)) return `gives it as ${oldArgumentType}`;
        return isRequired && omits(operation, field, argumentName) ? 'does not give it' : undefined;
      },
      usedAt: isRequired ? [field] : [`${field}(${argumentName}:)`],
      whenFelt: {
        verdict: 'breaking',
        reason: `It was ${oldArgumentType} and is ${newArgumentType}: documents written for the first are refused.`,
        remedy: 'Add an argument of the new type beside it, and deprecate this one with a day.',
      },
      otherwise: {
        verdict: 'dangerous',
        reason: 'It accepts less than before; every registered operation still fits.',
      },
    };
  },

  FIELD_ARGUMENT_DEFAULT_CHANGED: ({ typeName, fieldName, argumentName }, { after }) => {
    const field = `${typeName}.${fieldName}`;
    const definition = argumentOf(after, typeName, fieldName, argumentName);
    return defaultChanged({
      feels: (operation) => {
        if (omits(operation, field, argumentName)) return 'leaves it to the default';
        return mayOmit(operation, field, argumentName) ? 'may leave it to the default, by a variable' : undefined;
      },
      usedAt: [field],
      isRequired: definition !== undefined && isRequiredArgument(definition),
    });
  },

  INPUT_FIELD_ADDED: ({ inputName, addedInputFieldName, addedToNewType }, { after }) => {
    if (addedToNewType) return safe('The input type is new.');
    const field = inputFieldOf(after, inputName, addedInputFieldName);
    const isRequired = field !== undefined && isRequiredInputField(field);
    if (!isRequired && field?.defaultValue === undefined) return safe('Clients need not send it.');
    return {
      feels: (operation) => sends(operation, inputName),
      usedAt: [`${inputName}.*`],
      whenFelt: isRequired
        ? {
            verdict: 'breaking',
            reason: `Clients that send ${inputName} do not send ${addedInputFieldName}, and are refused.`,
            remedy: 'Make the field nullable or give it a default value.',
          }
        : { verdict: 'dangerous', reason: `Clients that send ${inputName} mean the default from now on.` },
      otherwise: isRequired
        ? { verdict: 'dangerous', reason: `It is required, but no registered operation sends ${inputName}.` }
        : { verdict: 'safe', reason: `No registered operation sends ${inputName}.` },
    };
  },

  INPUT_FIELD_REMOVED: ({ inputName, removedFieldName }, { before, today }) => {
    const what = `${inputName}.${removedFieldName}`;
    const deprecationReason = inputFieldOf(before, inputName, removedFieldName)?.deprecationReason;
    return removal({ deprecationReason, what }, today, {
      feels: (operation) => sendsField(operation, inputName, removedFieldName),
      usedAt: [what],
    });
  },

  INPUT_FIELD_TYPE_CHANGED: (meta, { after }) => {
    const { inputName, inputFieldName, oldInputFieldType, newInputFieldType, isInputFieldTypeChangeSafe } = meta;
    if (isInputFieldTypeChangeSafe) return safe('It accepts all that it accepted before.');
    const field = inputFieldOf(after, inputName, inputFieldName);
    const isRequired = field !== undefined && isRequiredInputField(field);
    return {
      feels: (operation) => {
        if (operation.uses.fromVariables.has(inputName)) return 'may send another value in a variable';
        if (operation.faults.length === 0) return undefined;
        return isRequired ? sends(operation, inputName) : sendsField(operation, inputName, inputFieldName);
      },
      usedAt: isRequired ? [`${inputName}.*`] : [`${inputName}.${inputFieldName}`],
      whenFelt: {
        verdict: 'breaking',
        reason: `It was ${oldInputFieldType} and is ${newInputFieldType}: clients that send what fitted the first are refused.`,
        remedy: 'Add a field of the new type beside it, and deprecate this one with a day.',
      },
      otherwise: {
        verdict: 'dangerous',
        reason: `It accepts less than before, but no registered operation sends ${inputName}.`,
      },
    };
  },

  INPUT_FIELD_DEFAULT_VALUE_CHANGED: ({ inputName, inputFieldName }, { after }) => {
    const field = inputFieldOf(after, inputName, inputFieldName);
    return defaultChanged({
      feels: (operation) => leavesOut(operation, inputName, inputFieldName),
      usedAt: [`${inputName}.*`],
      isRequired: field !== undefined && isRequiredInputField(field),
    });
  },

  ENUM_VALUE_ADDED: ({ enumName, addedToNewType }, schemas) =>
    addedToNewType ? safe('The enum is new.') : anotherToMeet(enumName, 'value', schemas),

  ENUM_VALUE_REMOVED: ({ enumName, removedEnumValueName }, { before, today }) => {
    const what = `${enumName}.${removedEnumValueName}`;
    const type = before.getType(enumName);
    const value = isEnumType(type) ? type.getValue(removedEnumValueName) : undefined;
    return removal({ deprecationReason: value?.deprecationReason, what }, today, {
      feels: ({ uses }) => {
        if (uses.enumValues.has(what)) return 'sends it';
        return uses.fromVariables.has(enumName) ? 'may send it in a variable' : undefined;
      },
      usedAt: [what],
    });
  },
};

function argumentOf(schema: GraphQLSchema, typeName: string, field: string, name: string): GraphQLArgument | undefined {
  const type = schema.getType(typeName);
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  return type.getFields()[field]?.args.find((argument) => argument.name === name);
}

function inputFieldOf(schema: GraphQLSchema, typeName: string, field: string): GraphQLInputField | undefined {
  const type = schema.getType(typeName);
  return isInputObjectType(type) ? type.getFields()[field] : undefined;
}

function gives({ uses }: ReadOperation, field: string, argument: string): boolean {
  return (uses.fields.get(field) ?? []).some((given) => given.some(({ name }) => name.value === argument));
}

function omits({ uses }: ReadOperation, field: string, argument: string): boolean {
  return (uses.fields.get(field) ?? []).some((given) => !given.some(({ name }) => name.value === argument));
}

function mayOmit({ uses }: ReadOperation, field: string, argument: string): boolean {
  return (uses.fields.get(field) ?? []).some((given) =>
    given.some(
      ({ name, value }) =>
        name.value === argument && value.kind === Kind.VARIABLE && uses.optionalVariables.has(value.name.value),
    ),
  );
}

function sends({ uses }: ReadOperation, inputName: string): string | undefined {
  if (uses.objects.has(inputName)) return `sends ${inputName}`;
  return uses.fromVariables.has(inputName) ? `sends ${inputName} in a variable` : undefined;
}

function sendsField({ uses }: ReadOperation, inputName: string, field: string): string | undefined {
  const isWritten = (uses.objects.get(inputName) ?? []).some(({ fields }) =>
    fields.some(({ name }) => name.value === field),
  );
  if (isWritten) return 'sends it';
  return uses.fromVariables.has(inputName) ? 'may send it in a variable' : undefined;
}

function leavesOut({ uses }: ReadOperation, inputName: string, field: string): string | undefined {
  const isMissing = (uses.objects.get(inputName) ?? []).some(
    ({ fields }) => !fields.some(({ name }) => name.value === field),
  );
  if (isMissing) return 'leaves it to the default';
  return uses.fromVariables.has(inputName) ? 'may leave it to the default' : undefined;
}

function defaultChanged({
  feels,
  usedAt,
  isRequired,
}: Pick<Assessment, 'feels' | 'usedAt'> & { isRequired: boolean }): Assessment {
  return {
    feels,
    usedAt,
    whenFelt: isRequired
      ? {
          verdict: 'breaking',
          reason: 'Without its default it must be given, and these clients leave it out.',
          remedy: 'Keep the default.',
        }
      : {
          verdict: 'dangerous',
          reason: 'Clients that leave it out mean something else from now on.',
          remedy: 'Ask these clients whether they rely on the default.',
        },
    otherwise: { verdict: 'safe', reason: 'No registered operation leaves it to the default.' },
  };
}
