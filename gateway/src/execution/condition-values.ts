import { type DirectiveNode, type DocumentNode, Kind, type OperationDefinitionNode, visit } from 'graphql';
import { NotCompilable } from './not-compilable.ts';

/** The variables an operation uses in `@skip` and `@include`, with what they are by default. */
export type ConditionVariables = ReadonlyMap<string, boolean | undefined>;

/** The values of these variables in one request. An operation is compiled once for each combination that comes. */
export interface ConditionValues {
  /** Tells combinations apart. */
  key: string;
  holds(variable: string): boolean;
  /** Whether `@skip` and `@include` leave a selection in. */
  keeps(selection: { directives?: readonly DirectiveNode[] | undefined }): boolean;
}

export function conditionVariablesOf(document: DocumentNode, operation: OperationDefinitionNode): ConditionVariables {
  const names = new Set<string>();
  visit(document, {
    Directive({ name, arguments: given }) {
      if (name.value !== 'skip' && name.value !== 'include') return;
      for (const { value } of given ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue?.kind === Kind.BOOLEAN ? defaultValue.value : undefined,
    ]),
  );
  // Other operations of the document have conditions of their own.
  return new Map([...names].filter((name) => defaults.has(name)).map((name) => [name, defaults.get(name)]));
}

/** The values in one request; undefined when one of them is no boolean: the stock executor knows what to say of it. */
export function conditionValues(
  variables: ConditionVariables,
  given: Readonly<Record<string, unknown>>,
): ConditionValues | undefined {
  if (variables.size === 0) return unconditional;
  const values = new Map<string, boolean>();
  for (const [name, byDefault] of variables) {
    const value = (Object.hasOwn(given, name) ? given[name] : undefined) ?? byDefault;
    if (typeof value !== 'boolean' || (Object.hasOwn(given, name) && given[name] === null)) return undefined;
    values.set(name, value);
  }
  return createConditionValues(values);
}

function createConditionValues(values: ReadonlyMap<string, boolean>): ConditionValues {
  const holds = (variable: string) => {
    const value = values.get(variable);
    if (value === undefined) throw new NotCompilable(`condition on $${variable}`);
    return value;
  };
  return {
    key: [...values.values()].map((value) => (value ? '1' : '0')).join(''),
    holds,
    keeps: ({ directives = [] }) =>
      directives.every((directive) => {
        if (directive.name.value === 'skip') return !ifValue(directive, holds);
        return directive.name.value !== 'include' || ifValue(directive, holds);
      }),
  };
}

function ifValue({ arguments: given }: DirectiveNode, holds: (variable: string) => boolean): boolean {
  const value = given?.find(({ name }) => name.value === 'if')?.value;
  if (value?.kind === Kind.VARIABLE) return holds(value.name.value);
  if (value?.kind === Kind.BOOLEAN) return value.value;
  throw new NotCompilable('condition without a boolean');
}

const unconditional = createConditionValues(new Map());
