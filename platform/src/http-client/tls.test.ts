import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RawServer, startRawServer } from '../../test/raw-server.ts';
import type { CallFailure } from '../call-failure.ts';
import { openHttpPool } from './pool.ts';

/** Of `shop.test`, and of nobody else. */
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg1N+VSQQr4UwdZrWP
1W6rSgd1ZdNrjSwt5dfc5as1iyqhRANCAASF2obR8WqIJEZKK/PTqzCg82ldSiIP
r6mMOxtbCS3q3pnuYqV8Z3woTY2WwU1KECgvgUA8GrgUlqwJuhyQUh3a
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBlDCCATugAwIBAgIUUOS7jrPNH9cvMAorIq1d6Nv4NqswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJc2hvcC50ZXN0MCAXDTI2MTEyMjAwNDQzMVoYDzIxMjYxMDI5
MDA0NDMxWjAUMRIwEAYDVQQDDAlzaG9wLnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASF2obR8WqIJEZKK/PTqzCg82ldSiIPr6mMOxtbCS3q3pnuYqV8Z3wo
TY2WwU1KECgvgUA8GrgUlqwJuhyQUh3ao2kwZzAdBgNVHQ4EFgQUhrzVaZaT2WKa
8G55tJPfH4vbTmIwHwYDVR0jBBgwFoAUhrzVaZaT2WKa8G55tJPfH4vbTmIwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglzaG9wLnRlc3QwCgYIKoZIzj0EAwID
RwAwRAIgDx9a5vevJRi2gvTD5K7nAqiTLuzb/jsSqxulwg83n/4CIHmSvwVjSybq
S43f5dr1L2ha99xAaIRY75TnECJgHjI+
-----END CERTIFICATE-----`;

let server: RawServer;
const believed = getCACertificates('default');

beforeAll(async () => {
  setDefaultCACertificates([...believed, cert]);
  server = await startRawServer(
    ({ head, body }, socket) => {
      const text = `${/^host: (.*)\r$/m.exec(head)?.[1]} ${body}`;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
    },
    (onConnection) => createServer({ key, cert }, onConnection),
  );
});
afterAll(async () => {
  setDefaultCACertificates(believed);
  await server.close();
});

/** What comes of two requests, one after the other, to a server that is called so and is at this machine. */
async function askTwice(hostname: string): Promise<string[]> {
  const { port } = new URL(server.origin);
  const pool = openHttpPool({ origin: `https://${hostname}:${port}`, connections: 1, ip: '127.0.0.1' });
  const answers: string[] = [];
  for (const body of ['a', 'b'])
    answers.push(
      await new Promise((resolve) => {
        pool.post({
          path: '/',
          headers: {},
          body,
          mayShare: false,
          onResponse: ({ text }) => resolve(text),
          onFailure: ({ kind }: CallFailure) => resolve(kind),
        });
      }),
    );
  await pool.close();
  return answers.map((answer) => answer.replace(`:${port}`, ''));
}

describe('a connection with TLS', () => {
  it('is made to the address, and believed by the name', async () => {
    expect(await askTwice('shop.test')).toEqual(['shop.test a', 'shop.test b']);
  });

  it('does not come about with somebody else', async () => {
    expect(await askTwice('another.test')).toEqual(['not-sent', 'not-sent']);
  });
});
