import { readFileSync } from 'node:fs';
import { testRedisUrl } from '@souk/dev/test-database';
import { SoukError } from '@souk/platform/errors';
import { createLogger } from '@souk/platform/logger';
import { allQueues } from '@souk/platform/queues';
import { createHttpServer } from '@souk/platform/service';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addJobBoard } from './job-board.ts';
import { SIGN_IN_DOCUMENT } from './job-board-sign-in.ts';
import { readManifest } from './manifest.ts';

const logger = createLogger('test', { level: 'silent' });
const ORIGIN = 'http://internal.example:9000';

/** Whoever signs in as one of these gets a token of the same name, with these scopes. */
const people: Record<string, string[]> = {
  looker: ['job:read'],
  actor: ['job:read', 'job:write'],
  packer: ['order:read'],
};
let isKnown: boolean;
let running: FastifyInstance[];

beforeEach(() => {
  isKnown = true;
  running = [];
});
afterEach(() => Promise.all(running.map((app) => app.close())));

/** The board beside a gateway that knows these people. */
async function openBoard(redisUrl: string) {
  const gateway = createHttpServer(logger);
  gateway.post('/admin/graphql', async (request, reply) => {
    const { query, variables } = request.body as { query: string; variables: { input: Record<string, string> } };
    const { email = '', password } = variables.input;
    if (email === 'crowd') return reply.code(503).send({ errors: [{ message: 'Wait a little.' }] });
    const isRight = query === SIGN_IN_DOCUMENT && email in people && password === 'right';
    const userErrors = isRight ? [] : [{ message: 'Wrong <address> or password.' }];
    return { data: { signIn: { tokens: isRight ? { accessToken: email } : null, userErrors } } };
  });
  const app = createHttpServer(logger);
  await addJobBoard(app, {
    redisUrl,
    gateway,
    logger,
    authenticate: async ({ authorization = '' }) => {
      const userId = authorization.slice('Bearer '.length);
      if (!isKnown) throw new SoukError('SUBGRAPH_UNAVAILABLE', 'Cannot be checked right now.');
      if (!people[userId]) throw new SoukError('UNAUTHENTICATED', 'The token has expired.');
      return { userId, sessionId: 'sess', roles: [], scopes: new Set(people[userId]) };
    },
  });
  running.push(app, gateway);

  const ask = (method: 'GET' | 'POST' | 'PUT', url: string, who?: string, headers: Record<string, string> = {}) =>
    app.inject({
      method,
      url,
      headers: {
        host: new URL(ORIGIN).host,
        ...(method === 'GET' ? {} : { origin: ORIGIN }),
        ...(who ? { cookie: `other=1; souk_jobs=${who}` } : {}),
        ...headers,
      },
    });
  const signIn = (email: string, password: string, headers: Record<string, string> = { origin: ORIGIN }) =>
    app.inject({
      method: 'POST',
      url: '/jobs/sign-in',
      headers: { host: new URL(ORIGIN).host, 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams({ email, password }).toString(),
    });
  return { ask, signIn };
}

type Board = Awaited<ReturnType<typeof openBoard>>;
/** Answers 503 until the connection stands. */
async function whenReady({ ask }: Board) {
  await expect.poll(async () => (await ask('GET', '/jobs/view/api/queues', 'looker')).statusCode).toBe(200);
}

const RESUME = '/api/queues/order-expiry/resume';

describe('the board of jobs', () => {
  let board: Board;
  beforeEach(async () => {
    board = await openBoard(await testRedisUrl());
    await whenReady(board);
  });

  it('shows every queue to those who may look, and lets them do nothing', async () => {
    expect((await board.ask('GET', '/jobs', 'looker')).headers.location).toBe('/jobs/view/');
    const page = await board.ask('GET', '/jobs/view/', 'looker');
    expect(page.body).toContain('<base href="/jobs/view/" />');
    expect(page.headers['content-security-policy']).toContain("default-src 'self'");
    const { queues } = (await board.ask('GET', '/jobs/view/api/queues', 'looker')).json();
    expect(queues.map(({ name }: { name: string }) => name).sort()).toEqual(
      allQueues()
        .map(({ name }) => name)
        .sort(),
    );
    expect(queues.every(({ readOnlyMode }: { readOnlyMode: boolean }) => readOnlyMode)).toBe(true);
    expect((await board.ask('PUT', `/jobs/view${RESUME}`, 'looker')).statusCode).toBe(405);
    expect((await board.ask('PUT', `/jobs/manage${RESUME}`, 'looker')).statusCode).toBe(403);
    expect((await board.ask('GET', '/jobs/manage/', 'looker')).statusCode).toBe(403);
  });

  it('lets those act who may', async () => {
    expect((await board.ask('GET', '/jobs', 'actor')).headers.location).toBe('/jobs/manage/');
    expect((await board.ask('PUT', `/jobs/manage${RESUME}`, 'actor')).statusCode).toBe(200);
  });

  it.each([
    ['nobody', undefined, 401],
    ['a token that has ended', 'gone', 401],
    ['staff without the scope', 'packer', 403],
  ])('is closed to %s, with everything that belongs to it', async (_, who, status) => {
    const paths = [
      '/jobs',
      '/jobs/view/',
      '/jobs/manage/',
      '/jobs/view/api/queues',
      '/jobs/manage/static/favicon-32x32.png',
    ];
    for (const path of paths) expect((await board.ask('GET', path, who)).statusCode, path).toBe(status);
    expect((await board.ask('PUT', `/jobs/manage${RESUME}`, who)).statusCode).toBe(status);
  });

  it('shows people where to sign in', async () => {
    const { statusCode, headers } = await board.ask('GET', '/jobs/manage/', undefined, { accept: 'text/html' });
    expect([statusCode, headers.location]).toEqual([302, '/jobs/sign-in']);
    expect((await board.ask('GET', '/jobs/sign-in')).body).toContain('<form method="post" action="/jobs/sign-in">');
  });

  it('is closed while nobody can tell whose access was revoked', async () => {
    isKnown = false;
    expect((await board.ask('GET', '/jobs/view/api/queues', 'looker')).statusCode).toBe(503);
  });

  it('keeps the token in a cookie for itself alone', async () => {
    const { statusCode, headers } = await board.signIn('actor', 'right');
    expect([statusCode, headers.location]).toEqual([303, '/jobs']);
    expect(headers['set-cookie']).toBe('souk_jobs=actor; Path=/jobs; HttpOnly; SameSite=Strict');
  });

  it.each([
    ['a wrong password', 'actor', 'wrong', 401, 'Wrong &#60;address&#62; or password.'],
    ['staff without the scope', 'packer', 'right', 403, 'job:read'],
    ['too many others', 'crowd', 'right', 503, 'Wait a little.'],
    ['nothing', '', '', 400, 'Enter your e-mail'],
  ])('lets nobody in with %s', async (_, email, password, status, reason) => {
    const { statusCode, headers, body } = await board.signIn(email, password);
    expect(statusCode).toBe(status);
    expect(headers['set-cookie']).toBeUndefined();
    expect(body).toContain(reason);
  });

  it.each([
    ['another site', { origin: 'http://evil.example' }],
    ['another port', { origin: 'http://internal.example:4000' }],
    ['nowhere', { origin: 'null' }],
    ['somewhere untold', {} as Record<string, string>],
  ])('takes no order from a page of %s', async (_, headers) => {
    expect((await board.signIn('actor', 'right', headers)).statusCode).toBe(403);
    const ordered = await board.ask('PUT', `/jobs/manage${RESUME}`, 'actor', { origin: '', ...headers });
    expect(ordered.statusCode).toBe(403);
  });
});

it('the board of jobs says that Redis is away, and closes all the same', async () => {
  const board = await openBoard('redis://127.0.0.1:1');
  expect((await board.ask('GET', '/jobs/view/api/queues', 'looker')).statusCode).toBe(503);
  expect((await board.signIn('looker', 'right')).statusCode).toBe(303);
});

it('signing in to the board is a registered operation', () => {
  const manifest = readFileSync(new URL('../../schema/manifests/admin.json', import.meta.url), 'utf8');
  expect(readManifest(manifest).byText.has(SIGN_IN_DOCUMENT)).toBe(true);
});
