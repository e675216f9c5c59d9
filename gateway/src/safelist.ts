import { documentHash } from '@souk/platform/document-hash';
import { badUserInput, SoukError } from '@souk/platform/errors';
import type { Logger } from '@souk/platform/logger';
import { createCounter } from '@souk/platform/metrics';
import { LRUCache } from 'lru-cache';
import { followFile } from './follow-file.ts';
import { emptyManifest, readManifest } from './manifest.ts';
import type { PersistedQueries } from './persisted-queries.ts';
import type { WantedDocument } from './wanted-document.ts';

export const safelistModes = ['off', 'log', 'enforce'] as const;
/** What becomes of a document that is not registered: it is run, it is run and written to the log, or it is refused. */
export type SafelistMode = (typeof safelistModes)[number];

/** Says which document a client gets to run. */
export interface Safelist {
  /**
   * Finds the text of the document that is wanted, if it may be run.
   *
   * @throws {SoukError} PERSISTED_QUERY_NOT_FOUND for a hash nobody knows, PERSISTED_QUERY_NOT_ALLOWED for what is not registered where only that is run,
   * BAD_USER_INPUT for a hash that is not that of the document beside it
   */
  textOf(wanted: WantedDocument): Promise<string>;
  /** The same where nobody else has to be asked, and nothing is counted; undefined where somebody has, or it may not be run. */
  peek(wanted: WantedDocument): string | undefined;
  /**
   * Counts a document that is wanted.
   *
   * @throws {SoukError} PERSISTED_QUERY_NOT_ALLOWED
   */
  meetMode(text: string): void;
  /** Remembers a document that came with its hash and passed the guard, so that next time the hash is enough. */
  learn(wanted: WantedDocument): void;
  /** The name under which the document of a text is registered; undefined when it is not. */
  nameOf(text: string): string | undefined;
  /** The texts of all registered documents. */
  registered(): ReadonlySet<string>;
  stop(): void;
}

export interface SafelistOptions {
  /** Path of the endpoint, for log and metrics. */
  endpoint: string;
  mode: SafelistMode;
  /** The manifest of registered operations. */
  manifestFile: string;
  persistedQueries: PersistedQueries;
  logger: Logger;
}

const operations = createCounter({
  name: 'souk_registered_operations_total',
  help: 'Operations by whether the manifest of their endpoint has them.',
  labelNames: ['endpoint', 'registered'],
});

const MAX_NOTICED = 1_000;

/**
 * Opens the list of registered operations of an endpoint. They may be sent by their id wherever there is a list; what is not on it meets the mode.
 * Unless only registered documents are run, a client may also teach the gateway the hash of a document (automatic persisted queries,
 * https://www.apollographql.com/docs/apollo-server/performance/apq).
 *
 * @throws when the manifest cannot be read
 */
export async function openSafelist(options: SafelistOptions): Promise<Safelist> {
  const { endpoint, mode, manifestFile: path, persistedQueries, logger } = options;
  const noticed = new LRUCache<string, true>({ max: MAX_NOTICED });
  let manifest = emptyManifest;
  let texts: ReadonlySet<string> = new Set();
  const take = (text: string) => {
    manifest = readManifest(text);
    texts = new Set(manifest.byText.keys());
  };
  const file = await followFile({ path, what: 'manifest', take, logger });

  async function remembered(id: string): Promise<string> {
    if (mode === 'enforce') throw notAllowed();
    const text = await persistedQueries.find(id);
    if (text === undefined) throw notFound();
    return text;
  }

  /** Registered texts are compared whole, so that a document that may not be run costs neither parsing nor hashing. */
  function meetMode(text: string): void {
    const isRegistered = manifest.byText.has(text);
    operations.labels(endpoint, String(isRegistered)).inc();
    if (isRegistered || mode === 'off') return;
    if (mode === 'enforce') throw notAllowed();
    const hash = documentHash(text);
    if (!noticed.has(hash)) logger.info({ endpoint, hash }, 'operation is not registered');
    noticed.set(hash, true);
  }

  return {
    async textOf({ text, id }) {
      const registered = manifest.byId.get(id ?? '')?.body;
      const wanted = text ?? registered ?? (await remembered(id ?? ''));
      meetMode(wanted);
      if (id !== undefined && wanted !== registered && documentHash(wanted) !== id) throw wrongHash();
      return wanted;
    },
    peek({ text, id }) {
      const known = id === undefined ? text : (manifest.byId.get(id)?.body ?? persistedQueries.peek(id));
      if (known === undefined || (text !== undefined && text !== known)) return undefined;
      return mode === 'enforce' && !manifest.byText.has(known) ? undefined : known;
    },
    meetMode,
    learn({ text, id }) {
      if (text !== undefined && id !== undefined && mode !== 'enforce') persistedQueries.remember(id, text);
    },
    registered: () => texts,
    nameOf: (text) => manifest.byText.get(text)?.name,
    stop: file.stop,
  };
}

/** Clients that send hashes know this error by its message too. */
function notFound(): SoukError {
  return new SoukError('PERSISTED_QUERY_NOT_FOUND', 'PersistedQueryNotFound');
}

function notAllowed(): SoukError {
  return new SoukError(
    'PERSISTED_QUERY_NOT_ALLOWED',
    'Expected a registered operation: this endpoint runs no other. Register it in the manifest, or send it to a system for development.',
  );
}

function wrongHash(): SoukError {
  return badUserInput(
    'Expected the id to be the SHA-256 of the document in hexadecimal, or that of a registered operation with this text.',
  );
}
