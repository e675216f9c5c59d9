import { PassThrough } from 'node:stream';
import { HeaderMap, type HTTPGraphQLRequest } from '@apollo/server';
import type { FastifyReply } from 'fastify';
import { createErrorRoom } from './error-cap.ts';
import { formatError } from './errors.ts';
import type { DeliverRest, LaterPart } from './execution/deferred/run-deferred.ts';
import type { TakesParts } from './execution/engine.ts';
import type { RequestScope } from './request-scope.ts';

/**
 * Whether a client takes an answer in parts, as Apollo's clients do: multipart (RFC 2046, section 5.1) of the working draft that goes by this name,
 * https://github.com/graphql/graphql-over-http/blob/main/rfcs/IncrementalDelivery.md.
 */
function acceptsParts(accept = ''): boolean {
  return accept.split(',').some((range) => {
    const [type, ...parameters] = range.split(';').map((text) => text.trim().toLowerCase().replaceAll('"', ''));
    return type === 'multipart/mixed' && parameters.includes('deferspec=20220824') && !parameters.includes('q=0');
  });
}

/**
 * Offers an executor to have the rest of an answer sent later, where the client takes it and there may be one. Whoever looks at how an answer is made gets it whole.
 *
 * @returns the request as Apollo Server is to see it: the first part is JSON to it, and a refusal is to all
 */
export function offerParts(request: HTTPGraphQLRequest, scope: RequestScope): HTTPGraphQLRequest {
  const accept = request.headers.get('accept');
  if (!scope.document?.defers || scope.debug || !acceptsParts(accept)) return request;
  scope.parts = {};
  return { ...request, headers: new HeaderMap([...request.headers, ['accept', `${accept}, application/json;q=0.1`]]) };
}

/** Where the executor leaves what follows the first part. */
export const takesParts: TakesParts = (context) => {
  const { parts } = context as RequestScope;
  if (!parts) return undefined;
  return (rest) => {
    parts.rest = rest;
  };
};

/**
 * Sends an answer in parts, each as soon as it is there. Returns when the last one is made: what a client has not read by then waits in memory, as a whole
 * answer does.
 *
 * @param first the JSON text of the first part, which is an answer by itself
 */
export async function sendParts(
  reply: FastifyReply,
  first: string,
  rest: DeliverRest,
  scope: RequestScope,
): Promise<void> {
  const stream = new PassThrough();
  const errorsThatFit = createErrorRoom();
  reply
    .type('multipart/mixed; boundary="-"; deferSpec=20220824')
    // Proxies neither keep it nor wait until there is more of it.
    .header('cache-control', 'no-store, no-transform')
    .header('x-accel-buffering', 'no')
    .send(stream);
  write(`\r\n---\r\n${partOf(`${first.trimEnd().slice(0, -1)},"hasNext":true}`)}---\r\n`);
  try {
    await rest((part) => write(`${partOf(JSON.stringify(formatted(part)))}${part.hasNext ? '---' : '-----'}\r\n`));
    stream.end();
  } catch (error) {
    // Without its end, a client knows that the answer is not whole.
    scope.log().error({ err: error }, 'an answer in parts broke');
    stream.destroy(error as Error);
  }

  function write(text: string): void {
    if (stream.destroyed) return;
    scope.record.streamedBytes += Buffer.byteLength(text);
    stream.write(text);
  }

  function formatted({ incremental, hasNext }: LaterPart): object {
    const results = incremental.map(({ errors, ...result }) => ({
      ...(errors ? { errors: errorsThatFit(errors.map((error) => formatError(error.toJSON(), error))) } : {}),
      ...result,
    }));
    return { hasNext, incremental: results };
  }
}

function partOf(json: string): string {
  return `content-type: application/json; charset=utf-8\r\n\r\n${json}\r\n`;
}
