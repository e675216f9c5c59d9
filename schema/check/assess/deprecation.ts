import { firstDayWithout } from '../deprecation.ts';
import type { ReadOperation } from '../evidence.ts';
import { type Assessment, type Assessors, safe } from './assessment.ts';

/** Changes of what clients are told about the future, and of directives they may write. */
export const deprecationAssessors: Assessors = {
  FIELD_DEPRECATION_ADDED: ({ typeName, fieldName, deprecationReason }) =>
    deprecated(`${typeName}.${fieldName}`, deprecationReason, ({ uses }) =>
      uses.fields.has(`${typeName}.${fieldName}`),
    ),
  FIELD_DEPRECATION_REMOVED: () => safe('What was to go stays.'),
  FIELD_DEPRECATION_REASON_ADDED: () => safe('Clients are told more.'),
  FIELD_DEPRECATION_REASON_REMOVED: () => safe('Only its reason goes; lint asks for one.'),
  FIELD_DEPRECATION_REASON_CHANGED: ({ oldDeprecationReason, newDeprecationReason }) =>
    reworded(oldDeprecationReason, newDeprecationReason),

  ENUM_VALUE_DEPRECATION_REASON_ADDED: ({ enumName, enumValueName, addedValueDeprecationReason }) => {
    const coordinate = `${enumName}.${enumValueName}`;
    return deprecated(
      coordinate,
      addedValueDeprecationReason,
      ({ uses }) => uses.enumValues.has(coordinate) || uses.fromVariables.has(enumName),
    );
  },
  ENUM_VALUE_DEPRECATION_REASON_REMOVED: () => safe('What was to go stays.'),
  ENUM_VALUE_DEPRECATION_REASON_CHANGED: ({ oldEnumValueDeprecationReason, newEnumValueDeprecationReason }) =>
    reworded(oldEnumValueDeprecationReason, newEnumValueDeprecationReason),

  DIRECTIVE_ADDED: () => safe('Nobody writes it yet.'),
  DIRECTIVE_REMOVED: ({ removedDirectiveName }) => directiveChanged(removedDirectiveName),
  DIRECTIVE_ARGUMENT_ADDED: ({ directiveName, addedDirectiveArgumentTypeIsNonNull, addedDirectiveDefaultValue }) =>
    addedDirectiveArgumentTypeIsNonNull && addedDirectiveDefaultValue === undefined
      ? directiveChanged(directiveName)
      : safe('Clients need not give it.'),
  DIRECTIVE_ARGUMENT_REMOVED: ({ directiveName }) => directiveChanged(directiveName),
  DIRECTIVE_ARGUMENT_TYPE_CHANGED: ({ directiveName, isSafeDirectiveArgumentTypeChange }) =>
    isSafeDirectiveArgumentTypeChange
      ? safe('It accepts all that it accepted before.')
      : directiveChanged(directiveName),
  DIRECTIVE_ARGUMENT_DEFAULT_VALUE_CHANGED: ({ directiveName }) => directiveChanged(directiveName),
  DIRECTIVE_LOCATION_ADDED: () => safe('It may stand in more places.'),
  DIRECTIVE_LOCATION_REMOVED: ({ directiveName }) => directiveChanged(directiveName),
  DIRECTIVE_REPEATABLE_ADDED: () => safe('It may be repeated.'),
  DIRECTIVE_REPEATABLE_REMOVED: ({ directiveName }) => directiveChanged(directiveName),
};

function deprecated(coordinate: string, reason: string, isUsed: (operation: ReadOperation) => boolean): Assessment {
  const day = firstDayWithout(reason);
  return {
    feels: (operation) => (isUsed(operation) ? 'uses it' : undefined),
    usedAt: [coordinate],
    whenFelt: {
      verdict: 'safe',
      reason: day
        ? `It stays until ${day}; the clients listed still use it.`
        : 'It stays for a time that is not said; the clients listed still use it.',
      remedy: day ? `These clients should move on before ${day}.` : 'Say until when it stays.',
    },
    otherwise: {
      verdict: 'safe',
      reason: `It stays${day ? ` until ${day}` : ''}, and no registered operation uses it.`,
    },
  };
}

function reworded(before: string, after: string): Assessment {
  const [was, is] = [firstDayWithout(before), firstDayWithout(after)];
  if (was === undefined || (is !== undefined && is >= was)) return safe('No promise is taken back.');
  const broken: Assessment['otherwise'] = {
    verdict: 'dangerous',
    reason: is
      ? `It was promised until ${was}, and now only until ${is}.`
      : `It was promised until ${was}, and now for no time.`,
    remedy: `Keep ${was}: clients plan by it.`,
  };
  return { feels: () => undefined, usedAt: [], whenFelt: broken, otherwise: broken };
}

function directiveChanged(name: string): Assessment {
  return {
    feels: ({ uses, faults }) => (faults.length > 0 && uses.directives.has(name) ? 'writes it' : undefined),
    usedAt: [],
    whenFelt: {
      verdict: 'breaking',
      reason: `Documents that write @${name} as before are refused.`,
      remedy: `Keep @${name} as it was.`,
    },
    otherwise: { verdict: 'safe', reason: `Every registered operation that writes @${name} still fits.` },
  };
}
