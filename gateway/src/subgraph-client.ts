import type { GraphQLDataSource } from '@apollo/gateway';
import { INVALID_SPAN_CONTEXT, type Span, trace } from '@opentelemetry/api';
import type { AddressesOptions } from '@souk/platform/addresses';
import { tagsIn } from '@souk/platform/cache-tags';
import { CallFailure } from '@souk/platform/call-failure';
import { type GraphQLAnswer, lettersOf } from '@souk/platform/graphql-call';
import {
  ASSERTION_HEADER,
  CLIENT_AGENT_HEADER,
  CLIENT_IP_HEADER,
  DEADLINE_HEADER,
  REQUEST_ID_HEADER,
  type ServiceName,
  type Signer,
} from '@souk/platform/identity';
import { NotAsked } from '@souk/platform/not-asked';
import { createServiceClient, type ServiceRequest } from '@souk/platform/service-client';
import { custodyHeaders, heed } from '@souk/platform/token-custody';
import { subgraphAsked } from './accounting/request-record.ts';
import { Errand } from './errand.ts';
import type { SubgraphAnswer } from './execution/run.ts';
import type { WritingDataSource } from './execution/send.ts';
import { bodyOf, type SubgraphRequest } from './execution/subgraph-request.ts';
import type { RequestScope } from './request-scope.ts';
import { type Loss, lostFields, type SubgraphOperation } from './subgraph-client/lost-fields.ts';
import { listenerFor, type Outcome, sharedRequests } from './subgraph-client/metrics.ts';
import type { MutationClock } from './subgraph-client/mutation-clock.ts';
import { createSharedQueries } from './subgraph-client/shared-queries.ts';
import { createWaits } from './subgraph-client/waits.ts';

export interface SubgraphClientOptions extends Omit<AddressesOptions, 'onChange'> {
  name: string;
  queryTimeoutMs: number;
  mutationTimeoutMs: number;
  signer: Signer;
  /** The same for all subgraphs of a gateway. */
  clock: MutationClock;
}

export interface SubgraphClient extends WritingDataSource {
  close(): Promise<void>;
}

/** Answers take less, unless a subgraph is in trouble: then nobody is to share another one's bad luck. */
const JOIN_WITHIN_MS = 50;
const MAX_UNDER_WAY = 64;
/** A rush is answered fast and comes all at once: what waits here briefly need not be asked again. How long it may, its deadline says. */
const MAX_WAITING = 192;
/** Nobody else is told a refresh token. */
const KEEPER_OF_SESSIONS = 'user';

/**
 * The way from the gateway to one subgraph. A request goes to one of its addresses with an assertion of who asks and until when the answer is waited for, and,
 * if it is a query, once more when the first one fails. A mutation is sent once: only when no connection came about, so that nothing can have happened, another
 * address is tried.
 *
 * Queries that come while the same is being asked for the same viewer get that answer, so a query says nothing of the client but who its viewer is: address and
 * user agent go with mutations, which keep them.
 *
 * When a client hangs up, its queries end at once, unless others wait for them. Its mutations go on: half of one would leave a client that comes back with less to rely on than the whole.
 *
 * A subgraph that cannot answer is not an exception: the fields it owns become null, each with an error that names the path and nothing else.
 */
export function createSubgraphClient(options: SubgraphClientOptions): SubgraphClient {
  const { name, queryTimeoutMs, mutationTimeoutMs, signer, clock } = options;
  const shared = createSharedQueries<GraphQLAnswer>({ clock, joinWithinMs: JOIN_WITHIN_MS });
  const waits = createWaits();
  const service = createServiceClient({
    ...options,
    maxUnderWay: MAX_UNDER_WAY,
    maxWaiting: MAX_WAITING,
    probeHeaders: async (timeoutMs) => ({
      [ASSERTION_HEADER]: await signer.assertion(name as ServiceName, null),
      [DEADLINE_HEADER]: String(Date.now() + timeoutMs),
    }),
    hear: listenerFor(name),
  });

  function ask(scope: RequestScope, asked: Asked, told: Told): Promise<GraphQLAnswer> {
    // Says who asks, and all else of a client that an answer may depend on.
    const wantsDebug = scope.debug?.parts.has('sql') === true;
    const assertion = signer.assertion(name as ServiceName, scope.viewer, { wantsDebug });
    if (typeof assertion === 'string') return askAs(assertion, scope, asked, told);
    return assertion.then((signed) => askAs(signed, scope, asked, told));
  }

  function askAs(assertion: string, scope: RequestScope, asked: Asked, told: Told): Promise<GraphQLAnswer> {
    if (isMutation(asked)) return mutate(assertion, scope, asked, told);
    // What is not written down is for somebody who changes what he gets.
    if (!isWritten(asked)) return service.ask({ ...queryOf(assertion, scope, asked, told), signal: scope.hungUp });
    const errand = new Errand(assertion, asked.operation.hash, asked.variables);
    const { landing, isShared, beganAtMs } = shared.ask(errand, scope.hungUp, (wish, result) =>
      service.tell({ ...queryOf(assertion, scope, asked, told), wish }, result),
    );
    if (isShared) {
      told.joinedAtMs = beganAtMs;
      sharedRequests.labels(name).inc();
    }
    return landing;
  }

  function queryOf(assertion: string, { requestId }: RequestScope, asked: Asked, { addresses }: Told): ServiceRequest {
    const headers = headersFor(assertion, requestId, queryTimeoutMs);
    return { request: requestOf(asked), headers, timeoutMs: queryTimeoutMs, mayRepeat: true, addresses };
  }

  async function mutate(
    assertion: string,
    scope: RequestScope,
    asked: Asked,
    { addresses }: Told,
  ): Promise<GraphQLAnswer> {
    const custody = name === KEEPER_OF_SESSIONS ? scope.custody : undefined;
    clock.tick();
    try {
      const answer = await service.ask({
        request: requestOf(asked),
        headers: {
          ...headersFor(assertion, scope.requestId, mutationTimeoutMs),
          [CLIENT_IP_HEADER]: scope.clientIp,
          [CLIENT_AGENT_HEADER]: scope.clientAgent,
          ...custodyHeaders(custody),
        },
        timeoutMs: mutationTimeoutMs,
        mayRepeat: false,
        addresses,
      });
      if (custody) heed(custody, answer.extensions);
      return answer;
    } finally {
      clock.tick();
    }
  }

  /** Asks, and tells of it whatever comes of it. */
  function account(scope: RequestScope, asked: Asked, span: Span): Promise<SubgraphAnswer> {
    const isLookedAt = scope.debug !== undefined || span.isRecording();
    const told: Told = { addresses: isLookedAt ? [] : undefined, joinedAtMs: undefined };
    const startedAtMs = performance.now();
    const wait = waits.begin(scope.lendPlace);
    const end = (isAnswered: boolean) => {
      waits.end(wait, isAnswered);
      span.end();
    };

    const answered = (answer: GraphQLAnswer): SubgraphAnswer => {
      const { data, errors, extensions } = answer;
      // What a subgraph says beside its answer is for the gateway.
      tell(scope, asked, told, { outcome: 'answered', startedAtMs, span, extensions });
      scope.sources?.note({ tags: tagsIn(extensions), askedAtMs: told.joinedAtMs ?? startedAtMs });
      end(true);
      const { isPlain, isAscii } = lettersOf(answer);
      return { data, errors, mustEscape: !isPlain, isAscii };
    };

    const failed = (error: unknown): SubgraphAnswer => {
      const { outcome, loss } = consequencesOf(error);
      tell(scope, asked, told, { outcome, startedAtMs, span, extensions: undefined });
      end(false);
      // Of a subgraph that rests its breaker has told, and who hung up reads nothing.
      const isNews = !(error instanceof NotAsked) && outcome !== 'given-up';
      scope.log()[isNews ? 'warn' : 'debug']({ err: error, subgraph: name }, 'subgraph did not answer');
      return { data: null, errors: lostFields(operationOf(asked), loss), mustEscape: true, isLost: true };
    };

    return ask(scope, asked, told).then(answered, failed);
  }

  /** Of a request that others sent, too, whoever sent it tells. */
  function tell(
    scope: RequestScope,
    asked: Asked,
    { addresses = [], joinedAtMs }: Told,
    ended: Pick<Parameters<typeof subgraphAsked>[1], 'outcome' | 'startedAtMs' | 'span' | 'extensions'>,
  ): void {
    const kind = isMutation(asked) ? 'mutation' : 'query';
    if (joinedAtMs === undefined) subgraphAsked(scope, { ...ended, subgraph: name, kind, addresses });
    else ended.span.setAttribute('souk.joined', true);
  }

  function send(asked: Asked, context: object): Promise<SubgraphAnswer> {
    // A span that belongs to no trace of a request would be told of by nobody.
    if (!trace.getActiveSpan()) return account(context as RequestScope, asked, untraced);
    return tracer.startActiveSpan(`subgraph ${name}`, (span) => account(context as RequestScope, asked, span));
  }

  return {
    async process({ request: { query = '{ __typename }', variables, operationName }, context }) {
      const request = { query, ...(variables ? { variables } : {}), ...(operationName ? { operationName } : {}) };
      const { data, errors } = await send(request, context);
      return { ...(data === undefined ? {} : { data }), ...(errors === undefined ? {} : { errors }) } as Awaited<
        ReturnType<GraphQLDataSource['process']>
      >;
    },
    send,
    close: () => service.close(),
  };
}

/** What is known of a request afterwards. */
interface Told {
  /** Those that were asked, one after the other; undefined where nobody wants to know. */
  addresses: string[] | undefined;
  /** When the request began, by `performance.now()`, that somebody else had sent and whose answer does for this one, too. */
  joinedAtMs: number | undefined;
}

/** A request, written down or not. */
type Asked = SubgraphRequest | SubgraphOperation;

function isWritten(asked: Asked): asked is SubgraphRequest {
  return 'operation' in asked;
}

/** The planner writes the operation's kind first. */
function isMutation(asked: Asked): boolean {
  return isWritten(asked) ? asked.operation.isMutation : asked.query.startsWith('mutation');
}

function requestOf(asked: Asked): object | string {
  return isWritten(asked) ? bodyOf(asked) : asked;
}

function operationOf(asked: Asked): SubgraphOperation {
  if (!isWritten(asked)) return asked;
  return { query: asked.operation.query, variables: JSON.parse(asked.variables) as Record<string, unknown> };
}

function headersFor(assertion: string, requestId: string, timeoutMs: number): Record<string, string> {
  return {
    [ASSERTION_HEADER]: assertion,
    [REQUEST_ID_HEADER]: requestId,
    [DEADLINE_HEADER]: String(Date.now() + timeoutMs),
  };
}

const tracer = trace.getTracer('souk-gateway');
const untraced = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

const RETRY_AFTER_MS = 1_000;

function consequencesOf(error: unknown): { outcome: Outcome; loss: Loss } {
  if (error instanceof NotAsked) {
    const { reason: outcome } = error;
    const reason = outcome === 'timeout' ? 'timeout' : 'unavailable';
    return { outcome, loss: { reason, mayHaveActed: false, retryAfterMs: RETRY_AFTER_MS } };
  }
  if (!(error instanceof CallFailure))
    return { outcome: 'unavailable', loss: { reason: 'unavailable', mayHaveActed: true } };
  const { kind, mayHaveActed } = error;
  switch (kind) {
    case 'timeout':
    case 'too-large':
      return { outcome: kind, loss: { reason: kind, mayHaveActed } };
    case 'given-up':
      return { outcome: kind, loss: { reason: 'unavailable', mayHaveActed } };
    case 'not-sent':
    case 'passed-over':
    case 'refused':
    case 'cut':
    case 'wrong-answer':
      return { outcome: 'unavailable', loss: { reason: 'unavailable', mayHaveActed } };
  }
}
