import { createCounter, createGauge } from '@souk/platform/metrics';
import type { EngineOptions } from './engine.ts';

const executions = createCounter({
  name: 'souk_operations_executed_total',
  help: 'Operations by how they were executed: compiled; slow (begun compiled, finished by the stock executor, because something was unusual); stock (from the start); deferred (in parts).',
  labelNames: ['endpoint', 'path'],
});

const lookups = createCounter({
  name: 'souk_planned_operation_lookups_total',
  help: 'Operations by whether they had been planned already.',
  labelNames: ['endpoint', 'known'],
});

const planned = createGauge({
  name: 'souk_planned_operations',
  help: 'Operations that are kept with their plan.',
  labelNames: ['endpoint'],
});

/** Counts what becomes of the operations of an endpoint. */
export function executionMetrics(endpoint: string): Pick<EngineOptions, 'onExecution' | 'onLookup'> {
  return {
    onExecution: (path) => executions.labels(endpoint, path).inc(),
    onLookup(isKnown, count) {
      lookups.labels(endpoint, String(isKnown)).inc();
      planned.labels(endpoint).set(count);
    },
  };
}
