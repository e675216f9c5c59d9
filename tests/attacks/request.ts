import type { Client } from '../client.ts';
import { type Reply, readReply } from './reply.ts';

/** Sends what a row wants to be sent, as it is, and gives back whatever came. */
export async function send(url: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  return readReply(response.status, response.headers, await response.text());
}

export const JSON_TYPE = { 'content-type': 'application/json' };

/** A body of any form, under the media type of a GraphQL request or another one. */
export function post(
  url: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
): Promise<Reply> {
  return send(url, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } });
}

/** An operation, as a client sends it. */
export function ask(
  { url, accessToken, headers: own = {} }: Client,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  return post(url, JSON.stringify({ query, variables }), { ...bearer(accessToken), ...own, ...headers });
}

export function bearer(accessToken: string | undefined): Record<string, string> {
  return accessToken ? { authorization: `Bearer ${accessToken}` } : {};
}
