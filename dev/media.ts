import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { drawPicture } from './picture.ts';

/**
 * The pictures of the demo are not files: they are drawn when somebody asks for them, at `/media/<name>.svg`. In a real shop an object store or a
 * content network serves them; the catalog keeps their full addresses and does not care who answers.
 */
export interface MediaPlace {
  host: string;
  port: number;
  /** What the addresses of all pictures begin with. */
  url: string;
}

/**
 * The place of a shop's pictures: next to its gateway, and the same at every start, because the catalog holds the addresses.
 */
export async function mediaPlaceOf(
  folder: string,
  { host, port }: { host: string; port: number },
): Promise<MediaPlace> {
  const file = join(folder, 'media.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { port: number }).port : undefined;
  const ownPort = kept ?? (await freePort(port + 1));
  if (kept === undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${JSON.stringify({ port: ownPort })}\n`, { mode: 0o600 });
  }
  return { host, port: ownPort, url: `http://${host === '0.0.0.0' ? 'localhost' : host}:${ownPort}/media` };
}

/**
 * Serves the pictures until it is closed.
 *
 * @throws when the port is in use
 */
export async function serveMedia({
  host,
  port,
}: Pick<MediaPlace, 'host' | 'port'>): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [, name] = /^\/media\/([a-z0-9-]{1,200})\.svg(?:\?|$)/.exec(request.url ?? '') ?? [];
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405);
    if (name === undefined) return refuse(response, 404);
    response.writeHead(200, pictureHeaders).end(drawPicture(name));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  server.unref();
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const pictureHeaders = {
  'content-type': 'image/svg+xml',
  'cache-control': 'public, max-age=31536000, immutable',
  'access-control-allow-origin': '*',
  // A picture opened by itself is a document, and this one has nothing to run or load.
  'content-security-policy': "default-src 'none'",
  'x-content-type-options': 'nosniff',
};

function refuse(response: ServerResponse, status: 404 | 405): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${status}\n`);
}
