import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child.ts';
import { lastWords } from './log-tail.ts';
import { Problem } from './problem.ts';

const POLL_MS = 25;

/**
 * Waits until a server that was just started answers, and stops it again when it never does.
 *
 * @throws {Problem} when it ends first, with the end of its log, or takes longer than `timeoutMs`
 */
export async function untilItAnswers(server: StartedServer): Promise<void> {
  const { child, title, logFile } = server;
  const gaveUp = new AbortController();
  const died = child.ended.then((how) => {
    throw new Problem(`${title} ${how}; its log ${logFile} ends with:\n${lastWords(logFile)}`);
  });
  // It may also end long after it answered, and then this is nobody's news.
  died.catch(() => {});
  try {
    await Promise.race([keepAsking(server, gaveUp.signal), died]);
  } catch (error) {
    await child.stop();
    throw error;
  } finally {
    gaveUp.abort();
  }
}

async function keepAsking({ title, timeoutMs, ping }: StartedServer, signal: AbortSignal): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!signal.aborted) {
    try {
      return await ping();
    } catch (cause) {
      if (Date.now() > giveUpAt) throw new Problem(`${title} did not answer within ${timeoutMs / 1000} s.`, { cause });
      await delay(POLL_MS);
    }
  }
}

export interface StartedServer {
  child: Child;
  /** How a sentence about it begins. */
  title: string;
  logFile: string;
  timeoutMs: number;
  /** Rejects as long as it does not answer. */
  ping(): Promise<void>;
}
