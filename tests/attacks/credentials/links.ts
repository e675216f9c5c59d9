import { readFileSync } from 'node:fs';
import { inject, vi } from 'vitest';
import { newCustomer } from '../../client.ts';
import { type Attack, attack } from '../attack.ts';
import { requestReset, reset } from './calls.ts';

/** Links out of mails. */

const { gatewayUrl, mailFile } = inject('shop');

export const links: Attack[] = [
  {
    tries: 'a link that was guessed',
    request: () => reset('A'.repeat(43)),
    answer: { status: 200, userErrors: ['TOKEN_INVALID'] },
  },
  attack({
    tries: 'a link for a new password a second time',
    async given() {
      const { email } = await newCustomer(gatewayUrl);
      await requestReset(email);
      const token = await mailedToken(email, 'reset');
      await reset(token);
      return token;
    },
    request: (_scene, token) => reset(token),
    answer: { status: 200, userErrors: ['TOKEN_INVALID'] },
  }),
  attack({
    tries: 'the link that confirms an address, to set a new password',
    given: async () => mailedToken((await newCustomer(gatewayUrl)).email, 'verify'),
    request: (_scene, token) => reset(token),
    answer: { status: 200, userErrors: ['TOKEN_INVALID'] },
  }),
];

/** The secret in the newest mail of somebody, as it stands in its link. */
function mailedToken(email: string, kind: 'verify' | 'reset'): Promise<string> {
  return vi.waitFor(() => {
    const lines = readFileSync(mailFile, 'utf8')
      .split('\n')
      .filter((line) => line.includes(email));
    const found = lines.findLast((line) => line.includes(kind));
    const [, token] = /token=([\w-]{43})/.exec(found ?? '') ?? [];
    if (!token) throw new Error(`Expected a mail with a link to ${email}.`);
    return token;
  }, 5_000);
}
