import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { type Bulkhead, createBulkhead } from '@souk/platform/bulkhead';
import type { Change } from '@souk/platform/changes';
import { SoukError } from '@souk/platform/errors';
import type { Viewer } from '@souk/platform/identity';
import { Patience } from '@souk/platform/patience';
import { Gauge } from 'prom-client';
import type { DocumentDoor } from '../document-door.ts';
import { type InstanceLimit, overloaded } from '../limits/instance-limit.ts';
import { type RequestScope, requestScope } from '../request-scope.ts';
import type { Connection } from './connections.ts';
import type { LiveChanges } from './live-changes.ts';
import type { LiveQuery } from './live-query.ts';
import { type Answer, followResults, type LiveResult } from './live-results.ts';
import { looks } from './metrics.ts';
import { overBecauseOf } from './subscription-over.ts';

/** What subscriptions need of the endpoint they come to. */
export interface LiveEndpoint {
  path: string;
  door: DocumentDoor;
  enter: InstanceLimit['enter'];
  /** Runs a query whose document stands in the scope, as if a client had sent it. */
  run(scope: RequestScope, query: { operationName: string | undefined; variables: Variables }): Promise<Answer>;
}

export interface SubscribeOptions {
  endpoint: LiveEndpoint;
  changes: LiveChanges;
  connection: Connection;
  /** Of the request, with its document let in, and with the viewer whom it was let in for. */
  scope: RequestScope;
  /** What stands beside the document in a request (https://graphql.github.io/graphql-over-http/draft/#sec-Request-Parameters). */
  parameters: Readonly<Record<string, unknown>>;
  lastEventId: string | undefined;
  /** Finds out who the client is now. */
  identify: () => Promise<Viewer | null>;
  /** Ends the subscription. */
  signal: AbortSignal;
}

type Variables = Readonly<Record<string, unknown>>;

const waiting = new Gauge({
  name: 'souk_subscription_looks_waiting',
  help: 'Live queries that wait for their turn.',
});
/** Whatever happens to a thousand subscriptions at once, so many are looked after at a time and the others wait, so that requests find their way. */
const turns: Bulkhead = createBulkhead({
  maxUnderWay: 16,
  maxWaiting: Number.POSITIVE_INFINITY,
  onQueue: (length) => waiting.set(length),
});

/**
 * Begins a subscription: runs its query for the viewer, and again whenever what it is about has changed, for whoever the client is by then. Each time is a
 * request like any other, with cost, limits, access rules and all.
 *
 * @throws {SubscriptionOver} when the client is to be told why it does not begin
 */
export async function subscribe(options: SubscribeOptions): Promise<AsyncIterableIterator<LiveResult, void>> {
  const { endpoint, changes, connection, scope, parameters, lastEventId, identify, signal } = options;
  const { variables, operationName } = readParameters(parameters);
  return requestScope.run(scope, async () => {
    const live = liveQueryIn(endpoint.door, scope, operationName);
    const watch = changes.watch(live.idIn(variables) ?? '');
    const stopListening = connection.onChangedViewer(watch.lookAgain);
    const stop = () => {
      stopListening();
      watch.stop();
    };
    signal.addEventListener('abort', stop, { once: true });

    const run = (viewer: Viewer | null) =>
      endpoint.run(
        { ...scope, viewer, document: live.document, caching: {}, hungUp: signal },
        { operationName, variables },
      );

    let isFirst = true;
    async function ask(change: Change | undefined): Promise<Answer> {
      if (isFirst) {
        isFirst = false;
        return run(scope.viewer);
      }
      return inTurn(endpoint, signal, change, async () => run(await identify()));
    }

    const onLook = (outcome: string) => looks.labels(endpoint.path, outcome).inc();
    return followResults({ ask, responseName: live.responseName, watch, lastEventId, signal, onLook });
  });
}

function liveQueryIn(door: DocumentDoor, { document }: RequestScope, operationName: string | undefined): LiveQuery {
  if (!document) throw overBecauseOf(new SoukError('GRAPHQL_PARSE_FAILED', 'Expected a document in GraphQL.'));
  if (document.kind(operationName) !== 'subscription') throw overBecauseOf(otherThanSubscription);
  return door.liveQuery(document, operationName);
}

const otherThanSubscription = new SoukError(
  'BAD_USER_INPUT',
  'Expected a subscription: queries and mutations are sent by POST and answered with JSON.',
);

function readParameters({ variables, operationName }: Readonly<Record<string, unknown>>) {
  return {
    variables: typeof variables === 'object' && variables !== null ? (variables as Variables) : {},
    operationName: typeof operationName === 'string' ? operationName : undefined,
  };
}

/** Takes its place among the requests in flight, and its part in the trace of what changed. */
async function inTurn(
  { path, enter }: LiveEndpoint,
  signal: AbortSignal,
  change: Change | undefined,
  look: () => Promise<Answer>,
): Promise<Answer> {
  const endTurn = await turns.enter(new Patience({ signal }));
  try {
    const leave = await enter(async () => false);
    if (!leave) throw overloaded;
    const cause = propagation.extract(ROOT_CONTEXT, change?.trace ?? {});
    return await context.with(cause, () =>
      tracer.startActiveSpan('subscription.look', { attributes: { 'souk.endpoint': path } }, async (span) => {
        try {
          return await look();
        } catch (error) {
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
          leave(undefined);
        }
      }),
    );
  } finally {
    endTurn();
  }
}

const tracer = trace.getTracer('@souk/gateway');
