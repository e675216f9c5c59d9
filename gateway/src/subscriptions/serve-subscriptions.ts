import { HeaderMap, type HTTPGraphQLRequest } from '@apollo/server';
import type { WebsocketHandler } from '@fastify/websocket';
import { SoukError } from '@souk/platform/errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type BrowserOrigins, isOwnOrigin } from '../browser-origins.ts';
import { refuse } from '../errors.ts';
import { refuseIntrospection } from '../introspection.ts';
import { overloaded } from '../limits/instance-limit.ts';
import type { RateLimits } from '../limits/rate-limits.ts';
import type { RequestScope } from '../request-scope.ts';
import { operationNameIn } from '../wanted-document.ts';
import type { Subscriptions } from './open-subscriptions.ts';
import { acceptsEvents, sendEvents } from './server-sent-events.ts';
import type { LiveEndpoint } from './subscribe.ts';
import { serveSocket, type WebSocketOptions } from './web-socket.ts';

/** Both ways by which subscriptions come to an endpoint. */
export interface SubscriptionDoor {
  /** Answers a request that asks for a subscription, with a stream of events or a refusal; leaves any other alone. @returns whether it did */
  answer(
    request: FastifyRequest,
    reply: FastifyReply,
    scope: RequestScope,
    admitted: HTTPGraphQLRequest,
  ): Promise<boolean>;
  /** Keeps pages from opening a WebSocket that may not read answers: browsers leave that to servers (RFC 6455, section 10.2). @returns whether it did */
  refusesUpgrade(request: FastifyRequest, reply: FastifyReply): boolean;
  socket: WebsocketHandler;
}

export interface SubscriptionDoorOptions {
  endpoint: LiveEndpoint;
  subscriptions: Subscriptions;
  identify: WebSocketOptions['authenticate'];
  rateLimits: RateLimits;
  origins: BrowserOrigins;
  introspection: boolean;
}

export function serveSubscriptions(options: SubscriptionDoorOptions): SubscriptionDoor {
  const { endpoint, subscriptions, identify, rateLimits, origins, introspection } = options;
  const { connections, changes, periods } = subscriptions;

  const admit: WebSocketOptions['admit'] = async (payload, openScope, then) => {
    const leave = await rateLimits.instance.enter(async () => false);
    if (!leave) throw overloaded;
    try {
      const request = { method: 'POST', headers: new HeaderMap(), search: '', body: payload };
      const scope = await openScope();
      await rateLimits.address.count(scope.clientIp);
      endpoint.door.admit(await endpoint.door.find(request), scope);
      if (!introspection) refuseIntrospection(scope);
      return await then(scope);
    } finally {
      leave(undefined);
    }
  };

  return {
    async answer(request, reply, scope, admitted) {
      if (scope.document?.kind(operationNameIn(admitted)) !== 'subscription') return false;
      if (request.method !== 'POST' || !acceptsEvents(request.headers.accept)) {
        // What is wrong with it besides, Apollo Server says.
        if (!isValid(endpoint, scope, operationNameIn(admitted))) return false;
        refuse(reply, 406, asStream);
        return true;
      }
      const parameters = admitted.body as Readonly<Record<string, unknown>>;
      await sendEvents(reply, {
        endpoint,
        connections,
        changes,
        periods,
        scope,
        parameters,
        lastEventId: lastEventIdOf(request, parameters),
        identify: () => identify(request, request.headers.authorization),
      });
      return true;
    },

    refusesUpgrade(request, reply) {
      const { origin } = request.headers;
      if (!request.ws || !origin || origins.mayRead(origin) || isOwnOrigin(origin, request)) return false;
      refuse(reply, 403, strangeOrigin);
      return true;
    },

    socket: serveSocket({
      endpoint,
      connections,
      changes,
      periods,
      admit,
      authenticate: identify,
    }),
  };
}

function isValid({ door }: LiveEndpoint, { document }: RequestScope, operationName: string | undefined): boolean {
  try {
    return document !== undefined && door.liveQuery(document, operationName) !== undefined;
  } catch {
    return false;
  }
}

const asStream = new SoukError(
  'BAD_USER_INPUT',
  'Expected a subscription to be sent by POST with accept: text/event-stream, or over a WebSocket.',
);

const strangeOrigin = new SoukError(
  'FORBIDDEN',
  'Pages of this origin may not use this API. An operator can add it to CORS_ORIGINS.',
);

/** As browsers send it when they come back, or, for clients that cannot set headers, beside the document. */
function lastEventIdOf(request: FastifyRequest, { extensions }: Readonly<Record<string, unknown>>): string | undefined {
  const { lastEventId } = (extensions ?? {}) as { lastEventId?: unknown };
  const told = request.headers['last-event-id'] ?? lastEventId;
  return typeof told === 'string' ? told : undefined;
}
