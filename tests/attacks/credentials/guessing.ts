import { expect, inject } from 'vitest';
import { newCustomer, PASSWORD } from '../../client.ts';
import { type Attack, attack } from '../attack.ts';
import type { Reply } from '../reply.ts';
import { ask } from '../request.ts';
import { counted, FREE_TRIES, inTurn, newEmail, signIn, tooOften, wrong } from './calls.ts';

/** Guessing passwords. */

const { gatewayUrl } = inject('shop');

export const guessing: Attack[] = [
  attack({
    tries: 'the last password that is free to try, which is right',
    async given() {
      const { email } = await newCustomer(gatewayUrl);
      await inTurn(FREE_TRIES - 1, () => signIn(email, 'not the password'));
      return email;
    },
    request: (_scene, email) => signIn(email, PASSWORD),
    answer: { status: 200, data: { signIn: { tokens: { accessToken: expect.any(String) } } } },
    writes: 'anything',
  }),
  attack({
    tries: 'one password more, although it is right',
    async given() {
      const { email } = await newCustomer(gatewayUrl);
      await inTurn(FREE_TRIES, () => signIn(email, 'not the password'));
      return email;
    },
    request: (_scene, email) => signIn(email, PASSWORD),
    answer: tooOften,
    writes: counted,
  }),
  attack({
    tries: 'thirty passwords of one account at once',
    given: async () => (await newCustomer(gatewayUrl)).email,
    async request(_scene, email) {
      const replies = await Promise.all(
        Array.from({ length: 30 }, (_, index) => signIn(email, `guess number ${index}`)),
      );
      expect(replies.filter((reply) => reply.text.includes('INVALID_CREDENTIALS')).length).toBeLessThanOrEqual(
        FREE_TRIES,
      );
      return replies.find((reply) => reply.text.includes('"RATE_LIMITED"')) as Reply;
    },
    answer: tooOften,
    writes: counted,
  }),
  attack({
    tries: 'the address in other letters, to be counted as somebody else',
    async given() {
      const { email } = await newCustomer(gatewayUrl);
      await inTurn(FREE_TRIES, (index) => signIn(index % 2 ? email : email.toUpperCase(), 'not the password'));
      return email;
    },
    request: (_scene, email) => signIn(`${email[0]?.toUpperCase()}${email.slice(1)}`, 'not the password'),
    answer: tooOften,
    writes: counted,
  }),
  attack({
    tries: 'passwords of nobody, to see whether those are counted, too',
    async given() {
      const email = newEmail();
      await inTurn(FREE_TRIES, () => signIn(email, 'not the password'));
      return email;
    },
    request: (_scene, email) => signIn(email, 'not the password'),
    answer: tooOften,
    writes: counted,
  }),
  attack({
    tries: 'the password of a stolen session’s account, to change it',
    given: () => newCustomer(gatewayUrl),
    async request(_scene, thief) {
      const change =
        'mutation { passwordChange(currentPassword: "not the password", newPassword: "another long secret") { userErrors { code } } }';
      await inTurn(FREE_TRIES, () => ask(thief, change));
      return ask(thief, change);
    },
    answer: tooOften,
    writes: counted,
  }),
  attack({
    tries: 'a password of 200,000 characters',
    given: async () => (await newCustomer(gatewayUrl)).email,
    request: (_scene, email) => signIn(email, 'x'.repeat(200_000)),
    answer: wrong,
    writes: counted,
  }),
  attack({
    tries: 'an address that is SQL',
    request: () => signIn("'or'1'='1'#@test.example", 'x'),
    answer: { status: [200, 400], userErrors: ['INVALID_CREDENTIALS'] },
    writes: counted,
  }),
];
