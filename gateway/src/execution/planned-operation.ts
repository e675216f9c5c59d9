import { operationFromDocument } from '@apollo/federation-internals';
import type { QueryPlan } from '@apollo/query-planner';
import { trace } from '@opentelemetry/api';
import { type DocumentNode, getOperationAST, type OperationDefinitionNode, OperationTypeNode } from 'graphql';
import { type CompiledOperation, compile } from './compile.ts';
import {
  type ConditionValues,
  type ConditionVariables,
  conditionValues,
  conditionVariablesOf,
} from './condition-values.ts';
import { type DeferredOperation, planDeferred } from './deferred/deferred-operation.ts';
import { defers, markDeferred, withoutDefer } from './deferred/mark-deferred.ts';
import type { Graph } from './graph.ts';
import { NotCompilable } from './not-compilable.ts';

/** An operation with its plan for a whole answer, and with what became of it when it was compiled. */
export interface PlannedOperation {
  plan: QueryPlan;
  /** The document, without `@defer`. */
  document: DocumentNode;
  /** Its compiled form for certain variables, or why there is none. */
  formFor(variables: Readonly<Record<string, unknown>>): CompiledOperation | NotCompiled;
  /** Has it run by the stock executor from now on. */
  giveUp(variables: Readonly<Record<string, unknown>>, reason: string): void;
  /** For an answer in parts; undefined when nothing is deferred, or it can be answered whole only. */
  deferredFor(variables: Readonly<Record<string, unknown>>): DeferredRun | undefined;
}

export interface DeferredRun {
  operation: DeferredOperation;
  conditions: ConditionValues;
}

export interface NotCompiled {
  reason: string;
}

/** Each combination of conditions is compiled by itself; real clients use few. */
const MAX_FORMS = 8;
const tracer = trace.getTracer('souk/gateway');

/**
 * Plans an operation.
 *
 * @throws what the planner throws
 */
export function planOperation(given: DocumentNode, operationName: string | undefined, graph: Graph): PlannedOperation {
  const isDeferring = defers(given);
  const document = isDeferring ? withoutDefer(given) : given;
  const named = operationName ? { operationName } : {};
  const plan = tracer.startActiveSpan('gateway.plan', (span) => {
    try {
      return graph.planner.buildQueryPlan(operationFromDocument(graph.apiSchema, document, named));
    } finally {
      span.end();
    }
  });
  const definition = getOperationAST(document, operationName);
  const conditions: ConditionVariables = definition ? conditionVariablesOf(document, definition) : new Map();
  const forms = new Map<string, CompiledOperation | NotCompiled>();
  const deferred = isDeferring ? deferredForms(given, getOperationAST(given, operationName), graph) : undefined;

  function compiled(values: ConditionValues): CompiledOperation | NotCompiled {
    if (forms.size >= MAX_FORMS) return { reason: 'too many combinations of conditions' };
    try {
      return compile(operationFromDocument(graph.apiSchema, document, named), plan, values, graph);
    } catch (error) {
      if (error instanceof NotCompilable) return { reason: error.message };
      throw error;
    }
  }

  return {
    plan,
    document,
    formFor(variables) {
      const values = conditionValues(conditions, variables);
      if (!values) return { reason: 'a condition that is no boolean' };
      const known = forms.get(values.key);
      if (known) return known;
      const form = compiled(values);
      if (forms.size < MAX_FORMS) forms.set(values.key, form);
      return form;
    },
    giveUp(variables, reason) {
      const values = conditionValues(conditions, variables);
      if (values) forms.set(values.key, { reason });
    },
    deferredFor(variables) {
      const operation = deferred?.(variables);
      const values = operation && conditionValues(conditions, variables);
      return values && { operation, conditions: values };
    },
  };
}

/** Each combination of what `@defer` depends on is planned by itself, when it first comes. */
function deferredForms(
  document: DocumentNode,
  definition: OperationDefinitionNode | null | undefined,
  graph: Graph,
): ((variables: Readonly<Record<string, unknown>>) => DeferredOperation | undefined) | undefined {
  // Root fields of a mutation are run one after the other, and an answer that is half there must not look like one that failed.
  if (definition?.operation !== OperationTypeNode.QUERY) return undefined;
  const variablesOfDefer = conditionVariablesOf(document, definition, ['defer']);
  const forms = new Map<string, DeferredOperation | undefined>();

  function planned(values: ConditionValues): DeferredOperation | undefined {
    try {
      const marked = markDeferred(document, definition as OperationDefinitionNode, values);
      return marked && planDeferred(marked, graph);
    } catch (error) {
      if (error instanceof NotCompilable) return undefined;
      throw error;
    }
  }

  return (variables) => {
    const values = conditionValues(variablesOfDefer, variables);
    if (!values || (forms.size >= MAX_FORMS && !forms.has(values.key))) return undefined;
    if (!forms.has(values.key)) forms.set(values.key, planned(values));
    return forms.get(values.key);
  };
}
