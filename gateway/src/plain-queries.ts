import { HeaderMap, type HTTPGraphQLRequest } from '@apollo/server';
import { SoukError } from '@souk/platform/errors';
import { httpAnswerOf } from '@souk/platform/http-errors';
import { REQUEST_ID_HEADER } from '@souk/platform/identity';
import type { Logger } from '@souk/platform/logger';
import { requestAnswered, requestIdFor } from '@souk/platform/service';
import { closeRecord } from './accounting/close-record.ts';
import { errorAnswered, openRecord, viewerKnown } from './accounting/request-record.ts';
import type { Authenticate } from './authenticate.ts';
import { type BrowserOrigins, originHeadersFor } from './browser-origins.ts';
import { addressBehind } from './client-ip.ts';
import type { DocumentDoor } from './document-door.ts';
import { limitOf, refusalOf, statusOf } from './errors.ts';
import { overloaded } from './limits/instance-limit.ts';
import type { RateLimits } from './limits/rate-limits.ts';
import { headersOfAll } from './public-server.ts';
import type { RequestScope } from './request-scope.ts';
import { isFromCache } from './response-cache/response-cache.ts';
import type { ShortQuestion, ShortWay } from './short-way.ts';
import { type WantedDocument, wantedIn, withText } from './wanted-document.ts';
import { type AnswerHeaders, answerHead } from './wire/answer-head.ts';
import type { PlainConnection, PlainRequest } from './wire/plain-connection.ts';
import type { PlainHead } from './wire/plain-head.ts';
import type { PlainRequests } from './wire/plain-requests.ts';

/** What an endpoint does with a request, for those of its requests that are read from the wire. */
export interface PlainQueriesOptions {
  path: string;
  door: DocumentDoor;
  shortWay: ShortWay;
  rateLimits: RateLimits;
  authenticate: Authenticate;
  origins: BrowserOrigins;
  trustedProxyHops: number;
  /** Has Apollo Server answer a request that was let in. */
  execute(admitted: HTTPGraphQLRequest, scope: RequestScope): Promise<WholeAnswer>;
  logger: Logger;
}

/** An answer of Apollo Server that did not come in parts. */
export interface WholeAnswer {
  status: number;
  headers: HeaderMap;
  text: string;
}

interface Answer {
  status: number;
  headers: AnswerHeaders;
  body: Buffer | string;
}

/** A known query, as it was read. */
interface Known {
  wanted: WantedDocument;
  parameters: Record<string, unknown>;
  question: ShortQuestion;
}

/** With these a request asks for what only the usual way gives. */
const unusual = ['x-souk-refresh-token', 'x-souk-debug'];
/** What may become more than a value where objects are copied; the usual way looks closer. */
const SUSPICIOUS = /__proto__|constructor|\\u/;

/**
 * Answers known queries in plain form straight from the wire: past Node's HTTP server, Fastify and Apollo Server, which take five times as long as everything that
 * is done here. The same happens to a request, in the same order and by the same functions, as in `addEndpoint`; whatever else it is, it is left to that.
 */
export function answerPlainQueries(requests: PlainRequests, options: PlainQueriesOptions): void {
  const { path, door, shortWay, rateLimits, authenticate, origins, trustedProxyHops, execute, logger } = options;

  requests.onPost(path, (request, connection) => {
    const known = recognise(request);
    if (!known) return false;
    void answer(known, request, connection);
    return true;
  });

  function recognise({ head: { headers }, body }: PlainRequest): Known | undefined {
    for (const name of unusual) if (headers[name] !== undefined) return undefined;
    try {
      const text = body.toString();
      if (SUSPICIOUS.test(text)) return undefined;
      const parameters = JSON.parse(text) as Record<string, unknown>;
      const wanted = wantedIn(parameters);
      const document = wanted && door.recognise(wanted);
      const question = document && shortWay.recognise(document, parameters, headers);
      return question && { wanted, parameters, question };
    } catch {
      // What is wrong with it the usual way says.
      return undefined;
    }
  }

  async function answer(known: Known, { head, body }: PlainRequest, connection: PlainConnection): Promise<void> {
    const { headers } = head;
    const scope = openScope(headers, connection);
    const { requestId, record } = scope;
    let answered: Answer;
    try {
      answered = await letThrough(known, headers, scope);
    } catch (error) {
      answered = refusal(error, scope, headers['accept']);
    }
    const { status } = answered;
    const said = {
      ...headersOfAll(requestId),
      ...originHeadersFor(origins, headers['origin']),
      ...answered.headers,
    };
    const responseBytes = answered.body.length;
    const isHungUp = !connection.answer(answerHead(status, said, responseBytes), answered.body);
    requestAnswered(path, status, performance.now() - record.startedAtMs);
    const end = { requestId, method: 'POST', status, requestBytes: body.length, responseBytes, isHungUp };
    closeRecord(record, { log: logger, ...end });
  }

  function openScope(headers: PlainHead['headers'], { remoteAddress, hungUp }: PlainConnection): RequestScope {
    const requestId = requestIdFor(headers[REQUEST_ID_HEADER]);
    const clientIp = addressBehind(remoteAddress, headers['x-forwarded-for'], trustedProxyHops);
    const record = openRecord({ headers, clientIp });
    record.endpoint = path;
    return {
      requestId,
      // Nobody, until it is known who.
      viewer: null,
      clientIp,
      clientAgent: (headers['user-agent'] ?? '').slice(0, 256),
      log: () => logger.child({ requestId }) as Logger,
      record,
      hungUp,
      caching: {},
    };
  }

  /** @throws {SoukError} */
  async function letThrough(known: Known, headers: PlainHead['headers'], scope: RequestScope): Promise<Answer> {
    const { question, wanted } = known;
    const { document } = question;
    const { instance, address } = rateLimits;
    if (instance.refusesAll()) throw overloaded;
    address.refuseBlocked(scope.clientIp);
    let isCounted = false;
    const isReserved = async () => {
      isCounted = true;
      door.count(document);
      return document.isReserved;
    };
    const leave = instance.enterNow() ?? (await instance.enter(isReserved));
    if (!leave) throw overloaded;
    let answered: object | undefined;
    try {
      const counted = address.count(scope.clientIp);
      if (counted) await counted;
      const viewer = authenticate({ authorization: headers['authorization'], clientIp: scope.clientIp });
      scope.viewer = viewer instanceof Promise ? await viewer : viewer;
      viewerKnown(scope.record, scope.viewer);
      scope.lendPlace = leave.lend;
      if (!isCounted) door.count(document);
      door.letIn(document, wanted, question.operationName, scope);
      const short = await shortWay.answer(question, scope);
      // An answer that was there already says nothing about how much can be done.
      if (short && !isFromCache(scope)) answered = document;
      return short
        ? { status: 200, headers: { 'content-type': short.contentType }, body: short.body }
        : await answerLong(known, headers, scope);
    } finally {
      leave(answered);
    }
  }

  async function answerLong(
    { parameters, wanted, question }: Known,
    headers: PlainHead['headers'],
    scope: RequestScope,
  ): Promise<Answer> {
    const request = { method: 'POST', headers: new HeaderMap(Object.entries(headers)), search: '', body: parameters };
    const admitted = wanted.id === undefined ? request : withText(request, question.document.text);
    const { status, headers: said, text } = await execute(admitted, scope);
    return { status, headers: Object.fromEntries(said), body: Buffer.from(text) };
  }

  function refusal(error: unknown, { requestId, record }: RequestScope, accept: string | undefined): Answer {
    if (error instanceof SoukError) {
      errorAnswered(record, error.code, limitOf(error));
      // Not this client asks too much, all of them together do, and another instance may have room.
      const status = error === overloaded ? 503 : statusOf(error, accept);
      const { headers, body } = refusalOf(error, { status, requestId, accept });
      return { status, headers, body: Buffer.from(body) };
    }
    logger.error({ requestId, err: error }, 'unexpected error');
    const { status, code, contentType, body } = httpAnswerOf(error, requestId, accept);
    errorAnswered(record, code);
    return { status, headers: { 'content-type': contentType }, body: Buffer.from(body) };
  }
}
