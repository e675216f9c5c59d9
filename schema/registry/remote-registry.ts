import { Problem } from '../problem.ts';
import type { PublishedSupergraph, Registry } from './registry.ts';

const TIMEOUT_MS = 60_000;
/** Whoever asks for it asks again soon. */
const SUPERGRAPH_TIMEOUT_MS = 5_000;

/**
 * The registry of another machine, by its HTTP API (server.ts). What may be published is decided there, so nothing can be appended from here: publishing
 * goes through `POST /publications/:stage`.
 *
 * @throws {Problem} from every function, when the registry does not answer or does not let the caller in
 */
export function remoteRegistry(address: string, token: string | undefined): Registry {
  const call = async <Answer>(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') =>
    (await callRegistry({ address, token, path, method, ...(body === undefined ? {} : { body }) })) as Answer;
  const manifestPath = ({ contract, client, version }: Record<'contract' | 'client' | 'version', string>) =>
    `manifests/${[contract, client, version].map(encodeURIComponent).join('/')}`;

  return {
    latest: (stage) => call(`publications/${stage}/latest`),
    publication: (stage, number) => call(`publications/${stage}/${number}`),
    async supergraph(variant, knownHash) {
      const path = `supergraphs/${variant}${knownHash === null ? '' : `?known=${knownHash}`}`;
      const timeoutMs = SUPERGRAPH_TIMEOUT_MS;
      return (await callRegistry({ address, token, path, method: 'GET', timeoutMs })) as PublishedSupergraph | null;
    },
    history: (stage, limit) => call(`publications/${stage}?limit=${limit}`),
    append: async () => {
      throw new Problem('usage', 'A remote registry checks and publishes by itself.');
    },
    registerManifest: async ({ operations, ...key }) => void (await call(manifestPath(key), { operations }, 'PUT')),
    retireManifest: async (key) => (await call<{ known: boolean }>(manifestPath(key), undefined, 'DELETE')).known,
    operations: () => call('operations'),
    recordUsage: async ({ day, source, sequence, usage }) =>
      void (await call(`usage/${day}/${encodeURIComponent(source)}/${sequence}`, usage, 'PUT')),
    usageSince: (day) => call(`usage?since=${day}`),
    daysRecorded: (since) => call(`usage/days?since=${since}`),
    close: async () => {},
  };
}

export interface RegistryCall {
  address: string;
  token: string | undefined;
  path: string;
  method: string;
  body?: unknown;
  /** Default: a minute, because checking takes its time. */
  timeoutMs?: number;
}

/** One request to a registry. @returns what it answered, null when there is no such thing */
export async function callRegistry(call: RegistryCall): Promise<unknown> {
  const { address, token, path, method, body, timeoutMs = TIMEOUT_MS } = call;
  const response = await fetch(new URL(path, address.endsWith('/') ? address : `${address}/`), {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  }).catch((error: Error) => {
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new Problem('unavailable', `The registry ${address} does not answer: ${reason}.`, { cause: error });
  });
  const text = await response.text();
  if (response.ok) return text === '' ? null : JSON.parse(text);
  const kind = kinds[response.status] ?? (response.status < 500 ? 'usage' : 'unavailable');
  throw new Problem(kind, `The registry ${address} answers ${response.status}: ${messageIn(text)}`);
}

/** A token that is not known is no mistake in the call, and a publication that is taken is no failure. */
const kinds: Record<number, 'unavailable' | 'refused'> = { 401: 'unavailable', 404: 'refused', 409: 'refused' };

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text;
  } catch {
    return text.slice(0, 200);
  }
}
