import { Variable } from '@apollo/federation-internals';
import {
  type DirectiveNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
  visit,
} from 'graphql';
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

/** @param directives whose `if` counts */
export function conditionVariablesOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  directives: readonly string[] = ['skip', 'include'],
): ConditionVariables {
  const names = new Set<string>();
  visit(document, {
    Directive({ name, arguments: given }) {
      if (!directives.includes(name.value)) return;
      for (const { name: argument, value } of given ?? [])
        if (argument.value === 'if' && value.kind === Kind.VARIABLE) names.add(value.name.value);
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

function ifValue({ arguments: given }: DirectiveNode, holds: ConditionValues['holds']): boolean {
  return holdsIn(given?.find(({ name }) => name.value === 'if')?.value, { holds });
}

/** The value of an `if`. */
export function holdsIn(value: ValueNode | undefined, { holds }: Pick<ConditionValues, 'holds'>): boolean {
  if (value?.kind === Kind.VARIABLE) return holds(value.name.value);
  if (value?.kind === Kind.BOOLEAN) return value.value;
  throw new NotCompilable('condition without a boolean');
}

/** A directive in an operation as federation reads it. */
export interface AppliedDirective {
  name: string;
  arguments(): Record<string, unknown>;
}

/** Whether `@skip` and `@include` among these leave a selection out. */
export function leavesOut(directives: readonly AppliedDirective[], conditions: ConditionValues): boolean {
  return directives.some((directive) => {
    if (directive.name !== 'skip' && directive.name !== 'include') return false;
    const value: unknown = directive.arguments()['if'];
    const holds = value instanceof Variable ? conditions.holds(value.name) : value;
    return holds === (directive.name === 'skip');
  });
}

const unconditional = createConditionValues(new Map());
