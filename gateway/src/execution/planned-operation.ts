import { operationFromDocument } from '@apollo/federation-internals';
import type { QueryPlan } from '@apollo/query-planner';
import { trace } from '@opentelemetry/api';
import { type DocumentNode, getOperationAST } from 'graphql';
import { type CompiledOperation, compile } from './compile.ts';
import {
  type ConditionValues,
  type ConditionVariables,
  conditionValues,
  conditionVariablesOf,
} from './condition-values.ts';
import type { Graph } from './graph.ts';
import { NotCompilable } from './not-compilable.ts';

/** An operation with its plan, and with what became of it when it was compiled. */
export interface PlannedOperation {
  plan: QueryPlan;
  /** Its compiled form for certain variables, or why there is none. */
  formFor(variables: Readonly<Record<string, unknown>>): CompiledOperation | NotCompiled;
  /** Has it run by the stock executor from now on. */
  giveUp(variables: Readonly<Record<string, unknown>>, reason: string): void;
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
export function planOperation(
  document: DocumentNode,
  operationName: string | undefined,
  graph: Graph,
): PlannedOperation {
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
  };
}
