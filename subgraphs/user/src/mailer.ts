import type { Database } from '@souk/platform/database';
import type { Sweep } from '@souk/platform/jobs';
import type { Logger } from '@souk/platform/logger';
import { claimMail, type DueMail, mailBell, markSent, markUnsent } from './mail-queue.ts';
import { composeMail } from './mail-text.ts';
import type { MailTransport } from './mail-transport.ts';

/** Sends what the database has queued: at once when somebody rings, at the next sweep otherwise. Several may run; each mail goes to one of them. */
export interface Mailer {
  /** Sends everything that is due. */
  drain(): Promise<void>;
  sweep: Sweep;
  close(): Promise<void>;
}

export function createMailer({ db, transport, storefrontUrl, logger }: MailerOptions): Mailer {
  let running: Promise<void> | undefined;
  let rungMeanwhile = false;
  let closing = false;

  /** One run at a time; whoever rings during a run gets another one after it. */
  function drain(): Promise<void> {
    rungMeanwhile = running !== undefined;
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function run(): Promise<void> {
    do {
      rungMeanwhile = false;
      for (let mail = await next(); mail; mail = await next()) await send(mail);
    } while (rungMeanwhile);
  }

  const next = async () => (closing ? undefined : claimMail(db));

  async function send(mail: DueMail): Promise<void> {
    try {
      await transport.send(composeMail(mail, storefrontUrl));
    } catch (error) {
      logger.warn({ err: error, mailId: mail.id, attempt: mail.attempt }, 'mail not sent');
      await markUnsent(db, mail.id, error instanceof Error && 'code' in error ? String(error.code) : 'unknown');
      return;
    }
    await markSent(db, mail.id);
  }

  const stopListening = mailBell.answer(db, () => {
    drain().catch((error: unknown) => logger.warn({ err: error }, 'mails wait for the next sweep'));
  });
  return {
    drain,
    sweep: { name: 'mails', everyMs: 1_000, run: drain },
    async close() {
      closing = true;
      stopListening();
      await running?.catch(() => {});
      transport.close();
    },
  };
}

export interface MailerOptions {
  db: Database;
  transport: MailTransport;
  /** Where links in mails lead. */
  storefrontUrl: string;
  logger: Logger;
}
