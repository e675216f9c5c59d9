import { expect, inject } from 'vitest';
import { newCustomer } from '../../client.ts';
import { type Attack, attack } from '../attack.ts';
import { counted, inTurn, newEmail, requestReset, signIn, tooOften, wrong } from './calls.ts';

/** Finding out who is a customer. */

const { gatewayUrl } = inject('shop');

const MAX_RATIO = 2.5;

export const enumeration: Attack[] = [
  attack({
    tries: 'an address that nobody has, and one that somebody has, to tell them apart by the answer',
    given: async () => (await newCustomer(gatewayUrl)).email,
    async request(_scene, email) {
      const [known, unknown] = [await signIn(email, 'not the password'), await signIn(newEmail(), 'not the password')];
      expect({ ...unknown, headers: null }).toEqual({ ...known, headers: null });
      return unknown;
    },
    answer: wrong,
    writes: counted,
  }),
  attack({
    tries: 'the same by how long the answer takes',
    given: () => inTurn(4, async () => (await newCustomer(gatewayUrl)).email),
    async request(_scene, emails) {
      const times = { known: [] as number[], unknown: [] as number[] };
      // Taken in turns, so that whatever else the machine does befalls both.
      for (const email of [...emails, ...emails, ...emails]) {
        times.known.push(await timed(() => signIn(email, 'not the password')));
        times.unknown.push(await timed(() => signIn(newEmail(), 'not the password')));
      }
      const ratio = Math.min(...times.known) / Math.min(...times.unknown);
      expect(
        Math.max(ratio, 1 / ratio),
        `${Math.min(...times.known)} ms, ${Math.min(...times.unknown)} ms`,
      ).toBeLessThan(MAX_RATIO);
      return signIn(newEmail(), 'not the password');
    },
    answer: wrong,
    writes: counted,
  }),
  attack({
    tries: 'a link for a new password, of an address that nobody has',
    async request({ victim }) {
      const [known, unknown] = [await requestReset(victim.email), await requestReset(newEmail())];
      expect(unknown.text).toBe(known.text);
      return unknown;
    },
    answer: { status: 200, data: { passwordResetRequest: { accepted: true } } },
    writes: 'anything',
  }),
  attack({
    tries: 'a fourth link for a new password, to fill somebody’s mailbox',
    async given() {
      const email = newEmail();
      await inTurn(3, () => requestReset(email));
      return email;
    },
    request: (_scene, email) => requestReset(email),
    answer: tooOften,
    writes: counted,
  }),
];

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
