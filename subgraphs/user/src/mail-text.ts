import type { DueMail } from './mail-queue.ts';

/** A mail as it is sent. */
export interface Mail {
  id: string;
  to: string;
  subject: string;
  text: string;
}

/** Writes a mail in the recipient's language. Links lead to the storefront, which hands the token to the API. */
export function composeMail(due: DueMail, storefrontUrl: string): Mail {
  const language = due.locale?.startsWith('zh') ? 'zh' : 'en';
  const link = (path: string) => new URL(`${path}?token=${due.token}`, storefrontUrl).href;
  const { subject, text } = texts[language][due.kind](due.displayName, link);
  return { id: `${due.id}.${due.attempt}`, to: due.recipient, subject, text };
}

type Write = (name: string, link: (path: string) => string) => { subject: string; text: string };

const texts: Record<'en' | 'zh', Record<DueMail['kind'], Write>> = {
  en: {
    VERIFY_EMAIL: (name, link) => ({
      subject: 'Confirm your e-mail address',
      text: `Hello ${name},\n\nplease confirm your e-mail address within a day:\n${link('/verify-email')}\n\nIf you did not open an account, ignore this mail.\n`,
    }),
    RESET_PASSWORD: (name, link) => ({
      subject: 'Choose a new password',
      text: `Hello ${name},\n\nchoose a new password within 30 minutes:\n${link('/reset-password')}\n\nIf you did not ask for this, ignore this mail: your password stays as it is.\n`,
    }),
    PASSWORD_CHANGED: (name) => ({
      subject: 'Your password was changed',
      text: `Hello ${name},\n\nyour password was changed and all other devices were signed out.\n\nIf that was not you, reset your password at once and contact the shop.\n`,
    }),
  },
  zh: {
    VERIFY_EMAIL: (name, link) => ({
      subject: '请确认您的电子邮箱',
      text: `${name},您好:\n\n请在一天之内确认您的电子邮箱:\n${link('/verify-email')}\n\n如果您没有注册账户,请忽略这封邮件。\n`,
    }),
    RESET_PASSWORD: (name, link) => ({
      subject: '设置新密码',
      text: `${name},您好:\n\n请在 30 分钟之内设置新密码:\n${link('/reset-password')}\n\n如果这不是您本人的请求,请忽略这封邮件,您的密码不会改变。\n`,
    }),
    PASSWORD_CHANGED: (name) => ({
      subject: '您的密码已更改',
      text: `${name},您好:\n\n您的密码已更改,其他设备均已退出登录。\n\n如果这不是您本人的操作,请立即重设密码并联系商店。\n`,
    }),
  },
};
