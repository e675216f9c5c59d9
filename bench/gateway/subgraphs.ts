import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { answererOf, type BenchSubgraph, benchSubgraphs } from './answers.ts';
import { createJsonServer } from './json-server.ts';
import { UNIQUE_ID, uniqueId } from './workloads.ts';

/**
 * The subgraphs of the measurements, all in one process: each answers from memory what it has been asked before, so that they take as little as can be of
 * the core they share with the clients. Started with one port for each, and with the port of the keys of access tokens.
 */
export function sdlOf(name: BenchSubgraph): string {
  return readFileSync(new URL(`./subgraphs/${name}.graphql`, import.meta.url), 'utf8');
}

/**
 * @param urls   where the subgraphs answer
 * @param change makes another schema of each one's own
 */
export function composeBenchGraph(urls: Record<BenchSubgraph, string>, change = (sdl: string) => sdl): string {
  const services = benchSubgraphs.map((name) => ({ name, url: urls[name], typeDefs: parse(change(sdlOf(name))) }));
  const { errors, supergraphSdl } = composeServices(services);
  if (errors) throw new Error(`The subgraphs do not compose:\n${errors.map(({ message }) => message).join('\n')}`);
  return supergraphSdl;
}

function serve(name: BenchSubgraph, port: number): void {
  const answer = answererOf(name, sdlOf(name));
  const known = new Map<string, string>();
  const standIn = uniqueId(0);

  function answerTo(body: string): string | Promise<string> {
    // The answer to an id that nobody has asked for is the same but for the id.
    const [id] = body.match(UNIQUE_ID) ?? [];
    const asked = id ? body.replaceAll(id, standIn) : body;
    const withId = (text: string) => (id ? text.replaceAll(standIn, id) : text);
    const text = known.get(asked);
    return text === undefined ? learn(asked).then(withId) : withId(text);
  }

  async function learn(asked: string): Promise<string> {
    const text = await answer(asked);
    known.set(asked, text);
    return text;
  }

  createJsonServer(answerTo).listen(port, '127.0.0.1');
}

if (import.meta.main) {
  const { ports, jwks } = JSON.parse(process.argv[2] ?? '{}') as {
    ports: Record<BenchSubgraph, number>;
    jwks: { port: number; text: string };
  };
  for (const name of benchSubgraphs) serve(name, ports[name]);
  createServer((_request, response) => response.setHeader('content-type', 'application/json').end(jwks.text)).listen(
    jwks.port,
    '127.0.0.1',
  );
}
