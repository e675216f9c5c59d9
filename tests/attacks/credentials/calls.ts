import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { ask } from '../request.ts';

/** What guessing passwords and links, finding out who is a customer, and accounts that are more than an account have in common. */

const { gatewayUrl } = inject('shop');
const store = { url: gatewayUrl };
/** A try is counted before it is made. */
export const counted = ['attempts'];

export const signIn = (email: string, password: string) =>
  ask(
    store,
    'mutation ($input: SignInInput!) { signIn(input: $input) { tokens { accessToken } userErrors { code message } } }',
    {
      input: { email, password },
    },
  );
export const signUp = (input: object) =>
  ask(store, 'mutation ($input: SignUpInput!) { signUp(input: $input) { user { id roles } userErrors { code } } }', {
    input: { email: newEmail(), password: `${randomUUID()}`, displayName: 'Mallory', ...input },
  });
export const reset = (token: string, newPassword = `${randomUUID()}`) =>
  ask(
    store,
    'mutation ($token: String!, $new: String!) { passwordReset(token: $token, newPassword: $new) { userErrors { code } } }',
    {
      token,
      new: newPassword,
    },
  );
export const requestReset = (email: string) =>
  ask(
    store,
    'mutation ($email: EmailAddress!) { passwordResetRequest(email: $email) { accepted userErrors { code } } }',
    { email },
  );

export const newEmail = () => `${randomUUID()}@test.example`;
export const FREE_TRIES = 5;
export const wrong = { status: 200, userErrors: ['INVALID_CREDENTIALS'] };
export const tooOften = { status: 200, userErrors: ['RATE_LIMITED'] };

export async function inTurn<Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let index = 0; index < count; index++) results.push(await work(index));
  return results;
}
