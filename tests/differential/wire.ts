import { type GraphQLDataSource, RemoteGraphQLDataSource } from '@apollo/gateway';
import { randomFor } from '@souk/dev/seed/random';
import { lettersOf, readAnswer } from '@souk/platform/graphql-call';
import { type DocumentNode, type GraphQLFormattedError, parse } from 'graphql';
import type { SubgraphAnswer } from '../../gateway/src/execution/run.ts';
import type { WritingDataSource } from '../../gateway/src/execution/send.ts';
import { lostFields } from '../../gateway/src/subgraph-client/lost-fields.ts';
import { type FailureKind, failures, healthy, isSpoiled, likeTheFirst, type Reply } from './failures.ts';
import { answerIn, type World } from './world.ts';

/** What holds while one operation runs. */
export interface Circumstances {
  world: World;
  /** Subgraphs that fail, and how. */
  failing: ReadonlyMap<string, FailureKind>;
  /** How the gateway reads a failure: as Apollo's data source does, which throws, or as the shop's client does, which tells the lost fields. */
  reading: 'apollo' | 'souk';
  /** Another order in which answers arrive. */
  order: number;
  /** Every request that was sent. */
  sent: SentRequest[];
  /** How many of them were answered otherwise than a healthy subgraph would have. */
  spoiled: number;
}

export interface SentRequest {
  subgraph: string;
  query: string;
  variables: Record<string, unknown>;
}

/** What a gateway hands from the operation to the data sources. */
export interface RunContext {
  circumstances?: Circumstances;
}

/** The data source of a subgraph without a network. Circumstances come with each operation. */
export function openDataSource(subgraph: string): WritingDataSource {
  const reply = async (circumstances: Circumstances, request: Omit<SentRequest, 'subgraph'>): Promise<Reply> => {
    const sent = { subgraph, ...request };
    circumstances.sent.push(sent);
    const made = replyTo(circumstances, sent);
    await arrival(circumstances, sent);
    return made;
  };
  const apollo = (circumstances: Circumstances) =>
    new RemoteGraphQLDataSource({
      url: `http://${subgraph}.internal/graphql`,
      // There is not always an incoming request that it could be told of.
      honorSubgraphCacheControlHeader: false,
      async fetcher(_url, init) {
        const { query, variables } = JSON.parse(String(init?.body)) as SentRequest;
        const replied = await reply(circumstances, { query, variables });
        if (replied instanceof Error) throw replied;
        const { status, contentType, text } = replied;
        return new Response(text, { status, headers: { 'content-type': contentType } });
      },
    });
  return {
    async process(options) {
      const circumstances = circumstancesIn(options.context);
      if (circumstances.reading === 'apollo') return apollo(circumstances).process(options);
      const { query = '', variables = {} } = options.request;
      // As over a wire: the data source may not see what becomes of the variables later.
      const request = { query, variables: JSON.parse(JSON.stringify(variables)) as Record<string, unknown> };
      const { data, errors } = readAsSouk(await reply(circumstances, request), request);
      return { data, errors } as Awaited<ReturnType<GraphQLDataSource['process']>>;
    },
    async send({ operation: { query }, variables: text }, context) {
      const circumstances = circumstancesIn(context);
      const request = { query, variables: JSON.parse(text) as Record<string, unknown> };
      if (circumstances.reading === 'souk') return readAsSouk(await reply(circumstances, request), request);
      const options = { request, context, kind: 'incoming operation' } as unknown as ProcessOptions;
      const { data, errors } = await apollo(circumstances).process(options);
      return { data, errors: errors as SubgraphAnswer['errors'], mustEscape: true };
    },
  };
}

type ProcessOptions = Parameters<GraphQLDataSource['process']>[0];

function circumstancesIn(context: RunContext): Circumstances {
  if (!context.circumstances) throw new Error('Expected the circumstances of an operation.');
  return context.circumstances;
}

function replyTo(circumstances: Circumstances, { subgraph, query, variables }: SentRequest): Reply {
  const { world, failing } = circumstances;
  const { data, errors } = answerIn(world, subgraph, { document: parsed(query), variables });
  // The world has no errors of its own: one here is a request that the subgraph does not understand.
  const notUnderstood = errors?.map((error) => error.toJSON());
  if (!data || notUnderstood) return healthy({ data: {}, representations: undefined, seed: '' }, notUnderstood ?? []);
  const seed = `${world.seed} ${subgraph} ${withoutName(query)}`;
  const representations = variables['representations'] as unknown[] | undefined;
  // The executor makes objects without a prototype.
  const answer = { data: structuredClone(data) as Record<string, unknown>, representations, seed };
  const failure = failing.get(subgraph);
  if (!failure) return healthy(answer);
  const reply = failures[failure](answer);
  if (isSpoiled(reply, answer)) circumstances.spoiled++;
  return reply;
}

const documents = new Map<string, DocumentNode>();

function parsed(query: string): DocumentNode {
  const document = documents.get(query) ?? parse(query, { noLocation: true });
  if (documents.size > 5_000) documents.clear();
  documents.set(query, document);
  return document;
}

/** A gateway may call the operations that it sends as it likes. */
export function withoutName(query: string): string {
  return query.replace(/^(query|mutation)\s+\w+/, '$1');
}

/** Answers come one before the other, depending on nothing but what was asked. */
async function arrival({ order }: Circumstances, { subgraph, query }: SentRequest): Promise<void> {
  const turns = randomFor(`${order} ${subgraph} ${withoutName(query)}`).integer(0, 3);
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** As the shop's client reads it. */
function readAsSouk(reply: Reply, request: Omit<SentRequest, 'subgraph'>): SubgraphAnswer {
  const answer = reply instanceof Error ? reply : readAnswer({ ...reply, isAscii: isAscii(reply.text) });
  if (answer instanceof Error) return { data: null, errors: lostIn(request), mustEscape: true };
  const { data, errors } = answer;
  const letters = lettersOf(answer);
  return { data, errors, mustEscape: !letters.isPlain, isAscii: letters.isAscii };
}

const isAscii = (text: string) => Buffer.byteLength(text) === text.length;

/** The shop's client tells of the first entity that all are lost. */
function lostIn(request: Omit<SentRequest, 'subgraph'>): GraphQLFormattedError[] {
  const errors = lostFields(request, { reason: 'unavailable', mayHaveActed: true, retryAfterMs: 1_000 });
  const { representations } = request.variables;
  if (!Array.isArray(representations)) return errors;
  return likeTheFirst(representations).flatMap((index) =>
    errors.map((error) => ({ ...error, path: ['_entities', index, ...(error.path ?? []).slice(2)] })),
  );
}
