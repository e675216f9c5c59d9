import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type LoneGateway, startLoneGateway } from '@souk/dev/lone-gateway';
import { subgraphNames } from '@souk/schema/subgraphs';

/** A gateway in a process of its own, or in several, that follows a registry. */
export interface Follower extends LoneGateway {
  settings: Record<string, string>;
}

/** Starts one that can work, over one address for all subgraphs. */
export async function startFollower(
  name: string,
  {
    folder,
    redisUrl,
    subgraphUrl,
    settings,
  }: { folder: string; redisUrl: string; subgraphUrl: string; settings: Record<string, string> },
): Promise<Follower> {
  const gateway = await startLoneGateway(name, {
    folder,
    redisUrl,
    settings: {
      SUBGRAPH_URLS: JSON.stringify(Object.fromEntries(subgraphNames.map((subgraph) => [subgraph, subgraphUrl]))),
      SCHEMA_LOOK_EVERY: '300ms',
      LAST_KNOWN_SCHEMA_FOLDER: join(folder, name, 'last-known'),
      ...settings,
    },
  });
  await gateway.ready();
  return { ...gateway, settings };
}

export function processesOf({ settings }: Follower): number {
  return Number(settings['GATEWAY_PROCESSES'] ?? 1);
}

/** What `/readyz` tells of an endpoint. */
export async function servedBy({ internalUrl }: Follower, endpoint = '/graphql'): Promise<Record<string, unknown>> {
  const { supergraphs } = (await (await fetch(`${internalUrl}/readyz`)).json()) as {
    supergraphs: Record<string, Record<string, unknown>>;
  };
  return supergraphs[endpoint] ?? {};
}

export async function metricsOf({ internalUrl }: Follower): Promise<string> {
  return (await fetch(`${internalUrl}/metrics`)).text();
}

async function ask({ url }: Follower, query: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** The codes of the errors in its answer. */
export async function codesFor(gateway: Follower, query: string): Promise<string[]> {
  const { errors = [] } = JSON.parse((await ask(gateway, query)).text) as {
    errors?: { extensions: { code: string } }[];
  };
  return errors.map(({ extensions }) => extensions.code);
}

/** A client of each gateway with four requests under way at any moment. Stopping tells what it got that was no answer. */
export function askSteadily(gateways: readonly Follower[]): { stop(): Promise<string[]> } {
  const failures: string[] = [];
  let isOver = false;
  const keepAsking = async (gateway: Follower) => {
    while (!isOver) {
      const { status, text } = await ask(gateway, '{ order(id: "1") { id note } }').catch((error: Error) => ({
        status: 0,
        text: error.message,
      }));
      if (text !== '{"data":{"order":{"id":"1","note":"Leave it."}}}\n') failures.push(`${status} ${text}`);
      await delay(10);
    }
  };
  const clients = gateways.flatMap((gateway) => Array.from({ length: 4 }, () => keepAsking(gateway)));
  return {
    async stop() {
      isOver = true;
      await Promise.all(clients);
      return failures;
    },
  };
}
