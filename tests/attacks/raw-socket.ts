import { connect, type Socket } from 'node:net';
import { type Reply, readReply } from './reply.ts';

/** How long a connection may say nothing before what came is taken for everything. */
const QUIET_MS = 150;
const TIMEOUT_MS = 30_000;

/** Sends bytes as they are, which no HTTP client would, and reads whatever answers come: the first one, how many, and whether the server hung up. */
export async function sendBytes(url: string, bytes: string | Buffer, { answers = 1 } = {}): Promise<Reply> {
  const socket = await open(url);
  const heard = listen(socket, answers);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  return heard;
}

/** A connection to write to piece by piece. */
export async function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // A server that hangs up while somebody still writes resets the connection: that is an answer, too.
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** What a connection says from now on, until it is closed, or quiet after so many answers. */
export async function listen(socket: Socket, answers = 1): Promise<Reply> {
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let quiet: NodeJS.Timeout | undefined;
  const giveUp = setTimeout(() => resolve(false), TIMEOUT_MS);
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    clearTimeout(quiet);
    if (answersIn(chunks).length < answers) return;
    quiet = setTimeout(() => resolve(false), QUIET_MS);
  });
  socket.once('close', () => resolve(true));
  const isClosed = await promise;
  clearTimeout(giveUp);
  clearTimeout(quiet);
  socket.destroy();
  return readAnswers(answersIn(chunks), isClosed);
}

function answersIn(chunks: readonly Buffer[]): string[] {
  return Buffer.concat(chunks)
    .toString('latin1')
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter(Boolean);
}

function readAnswers(answers: readonly string[], isClosed: boolean): Reply {
  const [head = '', ...body] = (answers[0] ?? '').split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(/:\s*/, 2) as [string, string]));
  const reply = readReply(Number(statusLine.split(' ')[1] ?? 0), headers, body.join('\r\n\r\n'));
  return { ...reply, connection: { answers: answers.length, isClosed } };
}
