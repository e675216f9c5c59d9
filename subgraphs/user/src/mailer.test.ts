import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nowPlus, transaction } from '@souk/platform/database';
import { createLogger } from '@souk/platform/logger';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openTestService, type TestService } from '../test-service.ts';
import { mailBell, queueMail } from './mail-queue.ts';
import { composeMail, type Mail } from './mail-text.ts';
import { fileTransport, readOutboxFile, smtpTransport } from './mail-transport.ts';
import { createMailer } from './mailer.ts';
import { mailedTokens, mails, users } from './tables.ts';

const logger = createLogger('user', { level: 'silent' });
const mail: Mail = { id: '7.1', to: 'ann@example.com', subject: '确认', text: 'Hello\nline two\n' };
let service: TestService;
beforeAll(async () => {
  service = await openTestService();
});
afterAll(() => service?.close());

test('a mail is sent by itself soon after its transaction, to the address as it was written', async () => {
  const person = await service.newPerson();
  await vi.waitFor(() => expect(service.mails.some(({ to }) => to === person.email)).toBe(true));
});

test('a mail server that fails delays a mail, loses none, and no token is stored in clear', async () => {
  const person = await service.newPerson();
  await service.mailer.drain();
  const sent: Mail[] = [];
  let broken = true;
  const transport = {
    async send(each: Mail) {
      if (broken) throw Object.assign(new Error('refused for ann@example.com'), { code: 'ECONNREFUSED' });
      sent.push(each);
    },
    close() {},
  };
  const mailer = createMailer({ db: service.db, transport, storefrontUrl: 'https://shop.test', logger });
  await transaction(service.db, (tx) => queueMail(tx, person.id, 'RESET_PASSWORD'));
  await mailer.drain();
  const rows = () => service.db.select().from(mails).where(eq(mails.userId, person.id)).orderBy(mails.id);
  expect((await rows()).at(-1)).toMatchObject({ state: 'QUEUED', attempts: 1, lastError: 'ECONNREFUSED' });

  broken = false;
  await mailer.drain();
  expect(sent).toEqual([]);
  await service.db
    .update(mails)
    .set({ dueAt: nowPlus(-1) })
    .where(eq(mails.userId, person.id));
  await mailer.drain();
  expect(sent).toMatchObject([{ to: person.email, subject: 'Choose a new password' }]);
  expect((await rows()).at(-1)).toMatchObject({ state: 'SENT', attempts: 2, lastError: null });
  const [, token = ''] = /token=([\w-]{43})/.exec(sent[0]?.text ?? '') ?? [];
  const tokens = await service.db.select().from(mailedTokens).where(eq(mailedTokens.userId, person.id));
  expect(token).toHaveLength(43);
  expect(JSON.stringify([tokens, await rows()])).not.toContain(token);
  await mailer.close();
});

test('two mailers send each mail once', async () => {
  const person = await service.newPerson();
  await service.mailer.drain();
  await transaction(service.db, async (tx) => {
    for (let each = 0; each < 10; each++) await queueMail(tx, person.id, 'PASSWORD_CHANGED');
  });
  const sent: string[] = [];
  const transport = { send: async ({ id }: Mail) => void sent.push(id), close() {} };
  const mailers = [1, 2].map(() =>
    createMailer({ db: service.db, transport, storefrontUrl: 'https://shop.test', logger }),
  );
  await Promise.all(mailers.map((mailer) => mailer.drain()));
  expect(new Set(sent).size).toBe(10);
  expect(sent).toHaveLength(10);
  await Promise.all(mailers.map((mailer) => mailer.close()));
});

test('nobody is asked to confirm what is confirmed, and a deleted account gets no mail', async () => {
  const person = await service.newPerson();
  await service.mailer.drain();
  const before = service.mails.length;
  await service.db.update(users).set({ emailVerifiedAt: new Date() }).where(eq(users.id, person.id));
  await transaction(service.db, (tx) => queueMail(tx, person.id, 'VERIFY_EMAIL'));
  await service.mailer.drain();
  await service.db.update(users).set({ email: null }).where(eq(users.id, person.id));
  await transaction(service.db, (tx) => queueMail(tx, person.id, 'RESET_PASSWORD'));
  await service.mailer.drain();
  expect(service.mails).toHaveLength(before);
  mailBell.ring(service.db);
});

test('mails speak the language of the account', () => {
  const due = { id: 1, attempt: 1, recipient: 'a@b.c', displayName: '小明', token: 't'.repeat(43) };
  const chinese = composeMail({ ...due, kind: 'VERIFY_EMAIL', locale: 'zh-Hans-CN' }, 'https://shop.test');
  expect(chinese).toMatchObject({ id: '1.1', to: 'a@b.c', subject: '请确认您的电子邮箱' });
  expect(chinese.text).toContain(`https://shop.test/verify-email?token=${due.token}`);
  expect(composeMail({ ...due, kind: 'VERIFY_EMAIL', locale: 'de' }, 'https://shop.test').subject).toMatch(/Confirm/);
});

test('the local outbox holds mails, newest first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'souk-mail-'));
  const file = join(folder, 'deep', 'mail.jsonl');
  expect(await readOutboxFile(file)).toEqual([]);
  const transport = fileTransport({ file, logger });
  await transport.send(mail);
  await transport.send({ ...mail, id: '8.1' });
  expect(await readOutboxFile(file)).toMatchObject([{ id: '8.1' }, { ...mail }]);
  await rm(folder, { recursive: true });
});

test('a mail server receives a whole mail', async () => {
  const received: string[] = [];
  const server = createServer((socket) => acceptMail(socket, received)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  const transport = smtpTransport({ url: `smtp://127.0.0.1:${port}`, from: 'Souk <no-reply@souk.test>' });
  await transport.send(mail);
  const text = received.join('');
  expect(text).toMatch(/^RCPT TO:<ann@example\.com>/m);
  expect(text).toMatch(/^Message-ID: <mail\.7\.1@souk\.test>/m);
  expect(text).toMatch(/^Auto-Submitted: auto-generated/m);
  transport.close();
  await new Promise((resolve) => server.close(resolve));
});

/** As much of RFC 5321 as one mail needs. */
function acceptMail(socket: Socket, received: string[]): void {
  let inData = false;
  socket.write('220 test\r\n');
  socket.on('data', (chunk) => {
    const text = chunk.toString();
    received.push(text);
    if (inData) {
      if (!text.endsWith('\r\n.\r\n')) return;
      inData = false;
    }
    if (/^DATA/m.test(text)) inData = true;
    socket.write(/^DATA/m.test(text) ? '354 go on\r\n' : '250 fine\r\n');
    if (/^QUIT/m.test(text)) socket.end();
  });
}
