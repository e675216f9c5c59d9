import { vi } from 'vitest';
import type { Client } from './client.ts';

/** A subscription by server-sent events, as a client that reads them itself would hold it. */
export interface Stream {
  status: number;
  headers: Headers;
  /** What came by `next`. */
  results: LiveResult[];
  /** Of the last event that had one. */
  lastEventId(): string | undefined;
  /** How it ended; undefined while it goes on. */
  end(): 'complete' | 'cut' | undefined;
  /** Waits until what was found last has this status. */
  untilStatus(status: string): Promise<void>;
  close(): void;
}

export interface LiveResult {
  data?: { orderUpdated: Record<string, unknown> | null };
  errors?: { message: string; extensions: { code: string; requestId: string } }[];
  extensions?: { eventId?: string };
}

export const FOLLOW = `subscription Follow($id: ID!) { orderUpdated(orderId: $id) { id number status version paymentStatus } }`;

/** Follows an order; resolves when the server has answered. */
export async function follow(
  client: Client,
  orderId: string,
  { query = FOLLOW, lastEventId, headers = {} }: FollowOptions = {},
): Promise<Stream> {
  const leaving = new AbortController();
  const response = await fetch(client.url, {
    method: 'POST',
    signal: leaving.signal,
    headers: {
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(client.accessToken ? { authorization: `Bearer ${client.accessToken}` } : {}),
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...headers,
    },
    body: JSON.stringify({ query, variables: { id: orderId } }),
  });
  const results: LiveResult[] = [];
  let end: 'complete' | 'cut' | undefined;
  let id: string | undefined;
  void read();

  async function read(): Promise<void> {
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
    if (!isStream) {
      results.push((await response.json()) as LiveResult);
      return;
    }
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        for (const event of events) take(event);
      }
    } catch {
      // It was cut off, or left.
    }
    end ??= 'cut';
  }

  function take(event: string): void {
    const fields = event
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]);
    const { id: told, event: name, data } = Object.fromEntries(fields) as Record<string, string | undefined>;
    id = told?.trim() ?? id;
    if (name?.trim() === 'next') results.push(JSON.parse(data ?? '') as LiveResult);
    if (name?.trim() === 'complete') end = 'complete';
  }

  return {
    status: response.status,
    headers: response.headers,
    results,
    lastEventId: () => id,
    end: () => end,
    untilStatus: (status) =>
      vi.waitFor(
        () => {
          if (results.at(-1)?.data?.orderUpdated?.['status'] !== status) {
            throw new Error(`Expected ${status} at last, got ${JSON.stringify(results)}.`);
          }
        },
        { timeout: 20_000, interval: 20 },
      ),
    close: () => leaving.abort(),
  };
}

interface FollowOptions {
  query?: string;
  lastEventId?: string | undefined;
  headers?: Record<string, string>;
}
