import { Unexpected } from './code/runtime.ts';
import type { Answers, Collected, CompiledFetch, CompiledOperation } from './compile.ts';
import { rewriteAnswer } from './output-rewrites.ts';
import type { Step } from './steps.ts';
import type { SubgraphRequest } from './subgraph-request.ts';
import type { WrittenData } from './written-data.ts';

/** What a subgraph answered. It is shared, so nobody may change it. */
export interface SubgraphAnswer {
  data?: Record<string, unknown> | null | undefined;
  errors?: readonly SubgraphError[] | undefined;
  /** Whether its strings may have characters in them that JSON escapes. */
  mustEscape: boolean;
  /** Whether each of their characters is one byte of UTF-8. */
  isAscii?: boolean;
  /** Whether the subgraph did not answer, and its errors say what is lost for it. */
  isLost?: boolean;
}

export interface SubgraphError {
  message: string;
  path?: readonly (string | number)[];
  extensions?: Record<string, unknown>;
}

/** Sends a request to the subgraph of a fetch. */
export type Send = (fetch: CompiledFetch, request: SubgraphRequest) => Promise<SubgraphAnswer>;

/** A request that was sent on behalf of an operation, for whoever has to go on from there. */
export interface SentRequest {
  fetch: CompiledFetch;
  collected: Collected | undefined;
  answer: Promise<SubgraphAnswer>;
}

/**
 * Runs an operation in its compiled form.
 *
 * @param sent   takes what was sent, also when the run ends in an error
 * @param finish makes something of the text of `data` at once: it is in thousands of pieces, which must not be kept.
 * @throws {Unexpected} as soon as anything is not as it is when all is well
 */
export async function run(
  { step, fetches, write }: CompiledOperation,
  variables: Readonly<Record<string, unknown>>,
  send: Send,
  sent: SentRequest[],
  finish: (text: string, isAscii: boolean) => WrittenData,
): Promise<WrittenData> {
  const answers: Answers = { data: [], entities: [], index: [] };
  let mustEscape = false;
  let isAscii = true;
  let isOver = false;
  try {
    await take(step);
    return finish(write(answers, mustEscape), isAscii);
  } finally {
    // Steps that run beside one that has failed go no further.
    isOver = true;
  }

  /** @returns undefined when there was nothing to wait for */
  function take(step: Step): Promise<unknown> | undefined {
    switch (step.kind) {
      case 'sequence':
        return takeInTurn(step.steps);
      case 'parallel':
        return Promise.all(step.steps.map(begin));
      case 'fetch': {
        const fetch = fetches[step.fetch.number];
        return fetch && ask(fetch);
      }
    }
  }

  async function takeInTurn(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      const taken = take(each);
      if (taken) await taken;
    }
  }

  /** One that cannot begin is told as one that fails: those beside it have begun, and somebody has to hear of them. */
  async function begin(step: Step): Promise<void> {
    await take(step);
  }

  function ask(fetch: CompiledFetch): Promise<void> | undefined {
    if (isOver) return undefined;
    const { number, collect } = fetch;
    const collected = collect?.(answers);
    if (collected) answers.index[number] = collected.index;
    if (collected?.count === 0) {
      answers.entities[number] = [];
      return undefined;
    }
    const answer = send(fetch, fetch.request(variables, collected?.text));
    sent.push({ fetch, collected, answer });
    return answer.then((given) => keep(fetch, collected, given));
  }

  function keep({ number, node }: CompiledFetch, collected: Collected | undefined, given: SubgraphAnswer): void {
    const data = soundData(given);
    mustEscape ||= given.mustEscape;
    isAscii &&= given.isAscii === true;
    if (!collected) {
      rewriteAnswer(data, node.outputRewrites);
      answers.data[number] = data;
      return;
    }
    const { _entities: entities } = data;
    if (!Array.isArray(entities) || entities.length !== collected.count)
      throw new Unexpected('wrong number of entities');
    rewriteAnswer(entities, node.outputRewrites);
    answers.entities[number] = entities;
  }
}

function soundData({ data, errors }: SubgraphAnswer): Record<string, unknown> {
  if (errors && !(Array.isArray(errors) && errors.length === 0)) throw new Unexpected('an error of a subgraph');
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new Unexpected('an answer without data');
  return data;
}
