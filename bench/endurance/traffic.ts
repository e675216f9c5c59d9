import { type OutgoingHttpHeaders, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { uniqueId, workloadOf } from '../gateway/workloads.ts';
import { MADE_TO_FAIL } from './failing-now-and-then.ts';

/** What became of requests. */
export interface Outcomes {
  answered: number;
  /** Answered with the errors of a subgraph that was made to fail, and no others. */
  madeToFail: number;
  /** The client hung up before it had its answer, as it was told to. */
  hungUp: number;
  /** Anything else: refused, failed, or not answered at all. */
  lost: number;
  /** The first that was lost, in words. */
  firstLost: string | undefined;
}

export interface TrafficOptions {
  url: string;
  token: () => Promise<string>;
  perSecond: number;
}

const TOKEN_HOLDS_MS = 60_000;
const HANG_UP_AFTER_MS = 3;
/** Beyond it the gateway takes no more than this, and more would wait. */
const MAX_UNDER_WAY = 40;

/** Sends requests that vary, at a steady pace: most with variables that no other has, some with a document that no other has, some for clients that hang up. */
export function startTraffic({ url, token, perSecond }: TrafficOptions) {
  const outcomes: Outcomes = { answered: 0, madeToFail: 0, hungUp: 0, lost: 0, firstLost: undefined };
  const underWay = new Set<Promise<void>>();
  let isOver = false;
  const pace = keepPace();

  async function keepPace(): Promise<void> {
    let [bearer, askedAtMs] = [await token(), performance.now()];
    for (let number = 0; !isOver; number++) {
      if (performance.now() - askedAtMs > TOKEN_HOLDS_MS) [bearer, askedAtMs] = [await token(), performance.now()];
      if (underWay.size < MAX_UNDER_WAY) {
        const sent = send(number, bearer).finally(() => underWay.delete(sent));
        underWay.add(sent);
      }
      await delay(1_000 / perSecond);
    }
  }

  async function send(number: number, bearer: string): Promise<void> {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Bearer ${bearer}`,
    };
    const body = JSON.stringify(requestOf(number));
    if (number % 20 === 19) return hangUp(headers, body);
    try {
      const answer = await fetch(url, { method: 'POST', headers, body });
      note(answer.status, await answer.text());
    } catch (error) {
      lose(error instanceof Error ? `${error.message} ${String(error.cause ?? '')}` : String(error));
    }
  }

  /** On a connection of its own: one that is left without its request is closed by the gateway, just when another client might want to use it. */
  function hangUp(headers: OutgoingHttpHeaders, body: string): Promise<void> {
    return new Promise((resolve) => {
      const client = request(url, { method: 'POST', headers, agent: false });
      client.on('response', (answer) => answer.resume());
      client.on('error', () => {});
      client.on('close', () => {
        outcomes.hungUp++;
        resolve();
      });
      client.end(body, () => setTimeout(() => client.destroy(), HANG_UP_AFTER_MS));
    });
  }

  function note(status: number, text: string): void {
    const { errors = [] } = JSON.parse(text) as { errors?: { extensions?: { code?: string } }[] };
    const isExpected = errors.every(({ extensions }) => extensions?.code === MADE_TO_FAIL);
    if (status !== 200 || !isExpected) lose(`${status} ${text.slice(0, 300)}`);
    else if (errors.length > 0) outcomes.madeToFail++;
    else outcomes.answered++;
  }

  function lose(reason: string): void {
    outcomes.lost++;
    outcomes.firstLost ??= reason;
  }

  return {
    outcomes,
    async stop() {
      isOver = true;
      await pace;
      await Promise.all(underWay);
    },
  };
}

function requestOf(number: number): { query: string; variables?: Record<string, unknown> } {
  const name = (['hop', 'small', 'big'] as const)[number % 10];
  if (name) return { query: workloadOf(name).query, variables: workloadOf(name).variables(number) };
  if (number % 10 === 3) return { query: `query Once${number} { people(first: 3) { name${number}: name id } }` };
  return { query: workloadOf('unique').query, variables: { id: uniqueId(number) } };
}
