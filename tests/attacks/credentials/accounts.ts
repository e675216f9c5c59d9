import { type Attack, attack } from '../attack.ts';
import { signUp } from './calls.ts';

/** Accounts that are more than an account. */

export const accounts: Attack[] = [
  attack({
    tries: 'the address of somebody else, for an account of one’s own',
    request: ({ victim }) => signUp({ email: victim.email.toUpperCase() }),
    answer: { status: 200, userErrors: ['TAKEN'] },
  }),
  {
    tries: 'a new account that is staff',
    request: () => signUp({ roles: ['ADMIN'] }),
    answer: { status: 400, code: 'BAD_USER_INPUT' },
  },
  {
    tries: 'a password of nine characters',
    request: () => signUp({ password: 'k7#pQ2!xZ' }),
    answer: { status: 200, userErrors: ['PASSWORD_TOO_WEAK'] },
  },
  {
    tries: 'a password of ten characters',
    request: () => signUp({ password: 'k7#pQ2!xZ9' }),
    answer: { status: 200 },
    writes: 'anything',
  },
  {
    tries: 'a password that everybody tries first',
    request: () => signUp({ password: 'Password1234' }),
    answer: { status: 200, userErrors: ['PASSWORD_TOO_WEAK'] },
  },
  {
    tries: 'a password of 257 characters',
    request: () => signUp({ password: `${'abcdefgh'.repeat(32)}x` }),
    answer: { status: 200, userErrors: ['INVALID'] },
  },
  {
    tries: 'a password of 256 characters',
    request: () => signUp({ password: 'abcdefgh'.repeat(32) }),
    answer: { status: 200 },
    writes: 'anything',
  },
  {
    tries: 'an address with a line break, for a mail with headers of one’s own',
    request: () => signUp({ email: 'a@test.example\r\nBcc: all@evil.example' }),
    answer: { status: 200, code: 'BAD_USER_INPUT' },
  },
  {
    tries: 'a name with a line break, for a mail with headers of one’s own',
    request: () => signUp({ displayName: 'Ann\r\nBcc: all@evil.example' }),
    answer: { status: 200, userErrors: ['INVALID'] },
  },
  {
    tries: 'a name that turns the direction of the text after it',
    request: () => signUp({ displayName: 'Ann \u202Egnp.exe' }),
    answer: { status: 200, userErrors: ['INVALID'] },
  },
];
