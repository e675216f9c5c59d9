import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent, request } from 'undici';
import { UNIQUE_ID, uniqueId } from '../workloads.ts';

/**
 * The least that a gateway written in Node has to do: the requests of a plan that somebody else made, one after the other or at once as the plan says,
 * JSON.parse of each answer, and one JSON.stringify. It knows no GraphQL. Told a port and a file with what each operation takes.
 */
export interface Recording {
  /** By the name of the operation. */
  [operation: string]: { steps: Step; answer: unknown };
}

export type Step = { sequence: Step[] } | { parallel: Step[] } | { url: string; body: string };

const standIn = uniqueId(0);

/** Does what is recorded, with another id where there is one. */
export async function take(
  step: Step,
  id: string | undefined,
  ask: (url: string, body: string) => Promise<unknown>,
): Promise<void> {
  if ('parallel' in step) {
    await Promise.all(step.parallel.map((each) => take(each, id, ask)));
  } else if ('sequence' in step) {
    for (const each of step.sequence) await take(each, id, ask);
  } else {
    await ask(step.url, id ? step.body.replaceAll(standIn, id) : step.body);
  }
}

function serve(port: number, recording: Recording): void {
  const dispatcher = new Agent({ connections: 64 });

  async function ask(url: string, body: string): Promise<unknown> {
    const headers = { 'content-type': 'application/json' };
    const answer = await request(url, { dispatcher, method: 'POST', headers, body });
    return answer.body.json();
  }

  createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const { query } = JSON.parse(text) as { query: string };
    const [, operation = ''] = /^\s*query (\w+)/.exec(query) ?? [];
    const recorded = recording[operationOf(operation, text)];
    if (!recorded) {
      response.writeHead(404).end();
      return;
    }
    const [id] = text.match(UNIQUE_ID) ?? [];
    await take(recorded.steps, id, ask);
    const answer = Buffer.from(JSON.stringify({ data: recorded.answer }));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
  }).listen(port, '127.0.0.1');
}

/** Two workloads send the same document. */
export function operationOf(name: string, text: string): string {
  return text.includes('CHINESE') ? `${name} in Chinese` : name;
}

if (import.meta.main) {
  const [port = '', recordingFile = ''] = process.argv.slice(2);
  serve(Number(port), JSON.parse(readFileSync(recordingFile, 'utf8')) as Recording);
}
