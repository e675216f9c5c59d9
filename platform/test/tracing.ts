import { context, propagation, trace } from '@opentelemetry/api';
import { node } from '@opentelemetry/sdk-node';
import { onTestFinished } from 'vitest';

/** Traces until the test ends: test files share a process, and the first to register there would keep all others from it. */
export function traceThisTest(): void {
  new node.NodeTracerProvider().register();
  onTestFinished(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });
}
