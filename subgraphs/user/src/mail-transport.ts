import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '@souk/platform/logger';
import { createTransport } from 'nodemailer';
import type { Mail } from './mail-text.ts';

/** Where mails go. */
export interface MailTransport {
  send(mail: Mail): Promise<void>;
  close(): void;
}

/** A mail server, by its `smtp:` or `smtps:` URL. */
export function smtpTransport({ url, from }: { url: string; from: string }): MailTransport {
  const transporter = createTransport(url, { from });
  return {
    async send({ id, to, subject, text }) {
      await transporter.sendMail({
        messageId: `<mail.${id}@${domainOf(from)}>`,
        to: { name: '', address: to },
        subject,
        text,
        // RFC 3834: tells out-of-office robots to keep quiet.
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    },
    close: () => transporter.close(),
  };
}

/** For development: each mail becomes one line of JSON in a file, and a line in the log that says there is one. */
export function fileTransport({ file, logger }: { file: string; logger: Logger }): MailTransport {
  return {
    async send(mail) {
      await mkdir(dirname(file), { recursive: true });
      await appendFile(file, `${JSON.stringify({ ...mail, sentAt: new Date() })}\n`, { mode: 0o600 });
      logger.info({ subject: mail.subject, recipientDomain: domainOf(mail.to) }, 'mail written to the local outbox');
    },
    close() {},
  };
}

const SHOWN = 50;

/** The last mails in the file of `fileTransport`, newest first. */
export async function readOutboxFile(file: string): Promise<unknown[]> {
  const content = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = content.split('\n').filter(Boolean);
  return lines
    .slice(-SHOWN)
    .reverse()
    .map((line) => JSON.parse(line) as unknown);
}

function domainOf(address: string): string {
  return /@([\w.-]+)>?$/.exec(address)?.[1] ?? 'localhost';
}
