import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';

export const SIGN_IN_PATH = '/jobs/sign-in';

/** Signs in like any client of the staff's endpoint. Gives an access token, or the sentence with which it was refused and the HTTP status that says the same. */
export type SignIn = (
  who: { email: string; password: string },
  request: { clientIp: string; clientAgent: string },
) => Promise<{ accessToken: string } | { refusal: string; status: number }>;

/** As it stands in the manifest of registered operations, so that it may be run where nothing else may. */
export const SIGN_IN_DOCUMENT = `mutation JobBoardSignIn($input: SignInInput!) {
  signIn(input: $input) {
    tokens {
      accessToken
    }
    userErrors {
      message
    }
  }
}`;

/** Signs in through the staff's endpoint of `gateway`, in this process, with everything that guards it. */
export function signInThrough(gateway: FastifyInstance): SignIn {
  return async (input, { clientIp, clientAgent }) => {
    const answer = await gateway.inject({
      method: 'POST',
      url: '/admin/graphql',
      remoteAddress: clientIp,
      headers: { 'content-type': 'application/json', 'user-agent': clientAgent },
      payload: JSON.stringify({ query: SIGN_IN_DOCUMENT, variables: { input } }),
    });
    const { data, errors = [] } = answerShape.parse(answer.json());
    const accessToken = data?.signIn?.tokens?.accessToken;
    if (accessToken) return { accessToken };
    const [reason = { message: 'This did not work. Try again.' }] = [...(data?.signIn?.userErrors ?? []), ...errors];
    // Where the door was closed to everybody, as when the shop is too busy, it says so by its status.
    return { refusal: reason.message, status: answer.statusCode >= 400 ? answer.statusCode : 401 };
  };
}

const messages = z.array(z.object({ message: z.string() }));
const answerShape = z.object({
  data: z
    .object({
      signIn: z.object({ tokens: z.object({ accessToken: z.string() }).nullable(), userErrors: messages }).nullable(),
    })
    .nullish(),
  errors: messages.optional(),
});

const COOKIE = 'souk_jobs';

/** The access token that a request came with. It is held against revocations like every other, and ends like every other. */
export function tokenIn({ headers }: FastifyRequest): string | undefined {
  return new RegExp(`(?:^|; )${COOKIE}=([\\w.-]+)`).exec(headers.cookie ?? '')?.[1];
}

const credentials = z.object({ email: z.string().min(1).max(254), password: z.string().min(1).max(1_000) });

/** Adds the page on which staff sign in, and what it posts to. The token goes into a cookie that no script can read and no other site can have sent. */
export function addSignIn(
  app: FastifyInstance,
  { signIn, mayEnter }: { signIn: SignIn; mayEnter: (request: FastifyRequest, token: string) => Promise<boolean> },
): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    async (_request: FastifyRequest, body: string) => Object.fromEntries(new URLSearchParams(body)),
  );

  app.get(SIGN_IN_PATH, async (_request, reply) => reply.type(HTML).send(page()));

  app.post(SIGN_IN_PATH, async (request, reply) => {
    const refuse = (status: number, reason: string) => reply.code(status).type(HTML).send(page(reason));
    const given = credentials.safeParse(request.body);
    if (!given.success) return refuse(400, 'Enter your e-mail address and your password.');
    const { ip: clientIp, headers } = request;
    const done = await signIn(given.data, { clientIp, clientAgent: headers['user-agent'] ?? '' });
    if ('refusal' in done) return refuse(done.status, done.refusal);
    if (!(await mayEnter(request, done.accessToken))) return refuse(403, 'Your roles do not grant the scope job:read.');
    return reply
      .header('set-cookie', `${COOKIE}=${done.accessToken}; Path=/jobs; HttpOnly; SameSite=Strict`)
      .redirect('/jobs', 303);
  });
}

const HTML = 'text/html; charset=utf-8';

function page(reason = ''): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Souk jobs</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 20rem; margin: 15vh auto; padding: 0 1rem; }
  label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; margin-bottom: .75rem; }
  input, button { padding: .5rem; }
  p { color: #b00020; }
</style>
<h1>Souk jobs</h1>
<form method="post" action="${SIGN_IN_PATH}">
  <p role="alert">${escaped(reason)}</p>
  <label>E-mail <input name="email" type="email" autocomplete="username" required autofocus></label>
  <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
  <button>Sign in</button>
</form>
</html>
`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
