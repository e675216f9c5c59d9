import { payload } from '@souk/platform/errors';
import { deleteAccount, resendVerification, updateProfile, verifyEmail } from './account.ts';
import { createAddress, deleteAddress, setDefaultAddress, updateAddress } from './address.ts';
import { type Context, changing, clientOf, enter, viewerOf } from './context.ts';
import { exchange } from './custody.ts';
import type { MutationResolvers } from './generated/resolvers.ts';
import { changePassword, requestPasswordReset, resetPassword } from './password.ts';
import { revokeSession, signOut } from './session.ts';
import { signIn, signUp } from './sign-in.ts';

/** What people do to their own account. */
export const accountMutations = {
  signUp: (_root, { input }, context) =>
    payload(async () => {
      const { user, grant } = await changing(context, signUp(context.db, input, clientOf(context)));
      return { user, tokens: await enter(context, grant) };
    }),
  signIn: (_root, { input }, context) =>
    payload(async () => {
      const { user, grant } = await changing(context, signIn(context.db, input, clientOf(context)));
      return { user, tokens: await enter(context, grant) };
    }),
  tokenRefresh: (_root, { input }, context) =>
    payload(async () => {
      const grant = await changing(context, exchange(context, input.refreshToken, clientOf(context)));
      return { tokens: await context.issueTokens(grant) };
    }),
  signOut: (_root, { allSessions }, context) =>
    payload(async () => {
      const ended = await changing(context, signOut(context.db, whoSignsOut(context), allSessions ?? false));
      if (context.custody) context.custody.next = null;
      return ended;
    }),

  emailVerify: (_root, { token }, context) =>
    payload(async () => {
      const user = await changing(context, verifyEmail(context.db, token));
      return { user: user.id === context.viewer?.userId ? user : null };
    }),
  emailVerificationResend: async (_root, _args, context) => {
    const answer = await payload(() => resendVerification(context.db, viewerOf(context).userId));
    return { ...answer, accepted: answer.userErrors.length === 0 };
  },
  passwordResetRequest: async (_root, { email }, { db }) => {
    const answer = await payload(() => requestPasswordReset(db, email));
    return { ...answer, accepted: answer.userErrors.length === 0 };
  },
  passwordReset: (_root, passwords, context) =>
    payload(async () => {
      const grant = await changing(context, resetPassword(context.db, passwords, clientOf(context)));
      return { tokens: await context.issueTokens(grant) };
    }),
  passwordChange: (_root, passwords, context) =>
    payload(async () => {
      const grant = await changing(context, changePassword(context.db, viewerOf(context), passwords));
      return { tokens: await context.issueTokens(grant) };
    }),
  sessionRevoke: (_root, { id }, context) =>
    payload(() => changing(context, revokeSession(context.db, viewerOf(context).userId, id))),

  userUpdate: (_root, { input }, context) =>
    payload(() => changing(context, updateProfile(context.db, viewerOf(context).userId, input))),
  userDelete: (_root, { password }, context) =>
    payload(() => changing(context, deleteAccount(context.db, viewerOf(context).userId, password))),

  addressCreate: (_root, { input }, context) =>
    payload(() => changing(context, createAddress(context.db, viewerOf(context).userId, input))),
  addressUpdate: (_root, { input }, context) =>
    payload(() => changing(context, updateAddress(context.db, viewerOf(context).userId, input))),
  addressDelete: (_root, { id }, context) =>
    payload(() => changing(context, deleteAddress(context.db, viewerOf(context).userId, id))),
  addressSetDefault: (_root, { id }, context) =>
    payload(() => changing(context, setDefaultAddress(context.db, viewerOf(context).userId, id))),
} satisfies MutationResolvers;

/** Who holds an access token, who has a refresh token kept, or both. Without either there is nobody to sign out. */
function whoSignsOut(context: Context): Parameters<typeof signOut>[1] {
  const { viewer, custody } = context;
  return { viewer: custody ? viewer : viewerOf(context), refreshToken: custody?.kept ?? null };
}
