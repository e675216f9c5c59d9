import { createHash, timingSafeEqual } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { check } from '../check/check.ts';
import { withSubgraph } from '../check/graph-sources.ts';
import { contracts } from '../contracts.ts';
import type { Announce } from './announce.ts';
import { graphOf } from './published-graph.ts';
import { type PublishResult, promote, publish, requestFor, rollback } from './publishing.ts';
import { NothingPublishedError, type Registry, StalePublicationError, stages } from './registry.ts';

export interface RegistryServerOptions {
  registry: Registry;
  /** Who may call, by the SHA-256 of their token in hex: the tokens themselves are known to their owners only. */
  tokens: readonly RegistryToken[];
  announce: Announce;
  cacheFolder: string | null;
  /** Told what went wrong inside, which callers are not. */
  onFailure: (error: unknown) => void;
}

export interface RegistryToken {
  /** Whom publications name as their author. */
  name: string;
  sha256: string;
  /** `read` looks and checks; `record` also records usage, which is what a gateway needs; `publish` also publishes the subgraphs named, or every one with `*`, and registers operations. */
  may: 'read' | 'record' | 'publish';
  subgraphs?: readonly string[] | undefined;
}

/**
 * The registry over HTTP, for pipelines of subgraphs and clients that live elsewhere: check, publish, register, and read what is published. Everything
 * needs a token; what fails is told as `{code, message}`.
 */
export function registryServer({
  registry,
  tokens,
  announce,
  cacheFolder,
  onFailure,
}: RegistryServerOptions): FastifyInstance {
  const common = { registry, approvals: [], cacheFolder, announce };
  const server = Fastify({ bodyLimit: 8 * 1024 * 1024 });
  const callers = new WeakMap<FastifyRequest, RegistryToken>();
  server.addHook('onRequest', async (request) => {
    const caller = tokenOf(request.headers.authorization, tokens);
    if (!caller) throw refusal(401, 'UNAUTHENTICATED', 'Expected a token that this registry knows as a bearer token.');
    callers.set(request, caller);
  });
  const mayPublish = (request: FastifyRequest, subgraph?: string): RegistryToken => {
    const caller = callers.get(request);
    const isTheirs = subgraph === undefined || caller?.subgraphs?.some((name) => name === '*' || name === subgraph);
    if (caller?.may === 'publish' && isTheirs) return caller;
    const what = subgraph === undefined ? 'publish' : `publish the subgraph ${subgraph}`;
    throw refusal(403, 'FORBIDDEN', `Expected a token that may ${what}.`);
  };
  server.setErrorHandler(async (error, _request, reply) => {
    const { status, ...body } = answerTo(error);
    if (status >= 500) onFailure(error);
    return reply.code(status).send(body);
  });
  server.setNotFoundHandler(async (_request, reply) =>
    reply.code(404).send({ code: 'NOT_FOUND', message: 'There is no such path; see docs/schema-changes.md.' }),
  );

  server.get('/publications/:stage', async ({ params, query }) => {
    const { limit } = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) }).parse(query);
    return registry.history(stageIn(params), limit);
  });
  server.get('/publications/:stage/latest', async ({ params }) => registry.latest(stageIn(params)));
  server.get('/publications/:stage/:number', async ({ params }) => {
    const { number } = z.object({ number: z.coerce.number().int().min(1) }).parse(params);
    return registry.publication(stageIn(params), number);
  });
  server.get('/supergraphs/:variant', async ({ params, query }) => {
    const { variant } = z
      .object({ variant: z.templateLiteral([z.enum(contracts), '@', z.enum(stages)]) })
      .parse(params);
    const { known } = z.object({ known: z.string().optional() }).parse(query);
    return registry.supergraph(variant, known ?? null);
  });

  server.post('/checks/:stage', async ({ params, body }) => {
    const { subgraph, sdl } = proposal.parse(body);
    const published = await registry.latest(stageIn(params));
    const after = proposed(published, subgraph, sdl);
    const request = await requestFor(published, after, { registry, approvals: [], cacheFolder, now: new Date() });
    return check(request);
  });
  server.post('/publications/:stage', async (request) => {
    const { reason, ...change } = publication.parse(request.body);
    const { name: author } = mayPublish(request, 'subgraph' in change ? change.subgraph : '*');
    const stage = stageIn(request.params);
    const after =
      'subgraph' in change
        ? proposed(await registry.latest(stage), change.subgraph, change.sdl)
        : { label: 'what is proposed', subgraphs: change.subgraphs };
    return answerOf(await publish(stage, after, { ...common, author, reason, now: new Date() }));
  });

  server.post('/promotions', async (request) => {
    const { from, to, reason } = promotion.parse(request.body);
    const { name: author } = mayPublish(request, '*');
    return answerOf(await promote(from, to, { ...common, author, reason, now: new Date() }));
  });
  server.post('/rollbacks/:stage', async (request) => {
    const { number, reason } = z.object({ number: z.number().int().min(1), reason: sentence }).parse(request.body);
    const { name: author } = mayPublish(request, '*');
    return answerOf(await rollback(stageIn(request.params), number, { ...common, author, reason, now: new Date() }));
  });

  server.put('/manifests/:contract/:client/:version', async (request) => {
    mayPublish(request);
    const { operations } = z
      .object({ operations: z.array(z.object({ name: z.string(), body: z.string() })) })
      .parse(request.body);
    await registry.registerManifest({
      ...manifestKey.parse(request.params),
      registeredAt: new Date().toISOString(),
      operations,
    });
    return { registered: operations.length };
  });
  server.delete('/manifests/:contract/:client/:version', async (request) => {
    mayPublish(request);
    return { known: await registry.retireManifest(manifestKey.parse(request.params)) };
  });
  server.get('/operations', async () => registry.operations());
  server.put('/usage/:day/:source/:sequence', async (request) => {
    if (callers.get(request)?.may === 'read')
      throw refusal(403, 'FORBIDDEN', 'Expected a token that may record usage.');
    const usage = usageCounts.parse(request.body);
    await registry.recordUsage({ ...usageKey.parse(request.params), usage });
    return { recorded: usage.length };
  });
  server.get('/usage', async ({ query }) => registry.usageSince(sinceDay.parse(query).since));
  server.get('/usage/days', async ({ query }) => registry.daysRecorded(sinceDay.parse(query).since));
  return server;
}

const name = z.string().min(1).max(128);
const subgraphName = z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/);
const proposal = z.object({ subgraph: subgraphName, sdl: z.string().min(1) });
const wholeGraph = z.object({
  subgraphs: z.array(
    z.object({ name: subgraphName, parts: z.array(z.object({ file: z.string(), text: z.string() })).min(1) }),
  ),
});
const sentence = z.string().min(1).max(1000);
const why = z.object({ reason: sentence.nullable().default(null) });
const promotion = z.object({ from: z.enum(stages), to: z.enum(stages) }).and(why);
const publication = z.union([proposal.and(why), wholeGraph.and(why)]);
const manifestKey = z.object({ contract: z.enum(contracts), client: name, version: z.string().min(1).max(64) });
const usageKey = z.object({
  day: z.iso.date(),
  source: z.uuid(),
  sequence: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
});
const sinceDay = z.object({ since: z.iso.date() });
const usageCounts = z.array(
  z.object({
    contract: z.enum(contracts),
    client: name,
    version: z.string().min(1).max(64),
    coordinate: z.string().min(1).max(255),
    requests: z.number().int().min(1),
  }),
);

/** What a caller is told of a publication: not the texts, which it has sent or can ask for. */
function answerOf(result: PublishResult) {
  if (result.outcome === 'refused') return result;
  const { number, hash } = result.publication;
  return { outcome: result.outcome, number, hash, report: result.report };
}

function stageIn(params: unknown) {
  return z.object({ stage: z.enum(stages) }).parse(params).stage;
}

function proposed(published: Awaited<ReturnType<Registry['latest']>>, subgraph: string, sdl: string) {
  const graph = published ? graphOf(published) : { label: 'nothing', subgraphs: [] };
  return withSubgraph(graph, subgraph, { file: `${subgraph}.graphql`, text: sdl });
}

/** Compares in constant time, so that answers do not tell how much of a guess was right. */
function tokenOf(header: string | undefined, tokens: readonly RegistryToken[]): RegistryToken | undefined {
  const [, token = ''] = /^Bearer (\S+)$/i.exec(header ?? '') ?? [];
  const given = createHash('sha256').update(token).digest();
  return tokens.find(({ sha256 }) => {
    const known = Buffer.from(sha256, 'hex');
    return known.length === given.length && timingSafeEqual(known, given);
  });
}

function refusal(status: number, code: string, message: string): Error {
  return Object.assign(new Error(message), { refusal: { status, code } });
}

function answerTo(error: unknown): { status: number; code: string; message: string } {
  if (error instanceof StalePublicationError) return { status: 409, code: 'STALE_PUBLICATION', message: error.message };
  if (error instanceof z.ZodError) return { status: 400, code: 'BAD_INPUT', message: z.prettifyError(error) };
  const {
    refusal: refused,
    statusCode,
    message,
  } = error as Error & {
    refusal?: { status: number; code: string };
    statusCode?: number;
  };
  if (refused) return { ...refused, message };
  if (error instanceof NothingPublishedError) return { status: 404, code: 'NOT_FOUND', message };
  if (statusCode !== undefined && statusCode < 500) return { status: statusCode, code: 'BAD_INPUT', message };
  return { status: 500, code: 'INTERNAL_ERROR', message: 'The registry failed; its log says why.' };
}
