import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { register } from 'prom-client';
import { Agent, request } from 'undici';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from './logger.ts';
import { addHealth, createHttpServer } from './service.ts';

const logger = createLogger('test', { level: 'silent' });

beforeEach(() => register.resetMetrics());

describe('a server', () => {
  it('never repeats an unexpected error to its caller', async () => {
    const app = createHttpServer(logger);
    app.get('/fails', () => Promise.reject(new Error('SELECT secret FROM 10.0.0.7')));
    const answer = await app.inject('/fails');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
    expect(answer.body).not.toMatch(/secret|10\.0/);
  });

  it('refuses an address that is none in the shape of every other error', async () => {
    const answer = await createHttpServer(logger).inject('/%zz');
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT', retryable: false } }] });
  });

  it.each([
    ['headers just short enough', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(16_000)}\r\n\r\n`, 404],
    ['headers too long', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
    ['an address too long', `GET /${'x'.repeat(17_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 431],
    ['what is no HTTP', 'nonsense\r\n\r\n', 400],
    ['an address that is none', 'GET /%zz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', 400],
    ['an expectation of another kind', 'GET / HTTP/1.1\r\nhost: a\r\nexpect: wonders\r\n\r\n', 417],
  ])('answers %s in the shape of every other error, and tells of it', async (_, bytes, status) => {
    const told: unknown[] = [];
    const app = createHttpServer(logger, { onUnreadable: (request) => told.push(request) });
    app.setNotFoundHandler((_request, reply) => reply.code(404).send({ errors: [] }));
    await app.listen({ port: 0 });
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
    socket.end(bytes);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    await app.close();
    expect(head).toContain(`HTTP/1.1 ${status} `);
    if (status === 404) return expect(told).toEqual([]);
    const answer = JSON.parse(body);
    expect(answer).toEqual({
      errors: [
        {
          message: expect.any(String),
          extensions: { code: 'BAD_USER_INPUT', retryable: false, requestId: expect.any(String) },
        },
      ],
    });
    const { requestId } = answer.errors[0].extensions;
    expect(told).toEqual([{ requestId, status, address: expect.stringMatching(/127\.0\.0\.1$/) }]);
    const counter = await register.getSingleMetric('souk_http_unreadable_requests_total')?.get();
    expect(counter?.values).toEqual([{ labels: { status }, value: 1 }]);
  });

  it('closes with its last answer, although clients would keep their connections', async () => {
    const app = createHttpServer(logger);
    const { promise: answered, resolve: answer } = Promise.withResolvers<string>();
    const { promise: asked, resolve: arrive } = Promise.withResolvers<void>();
    app.get('/slow', () => {
      arrive();
      return answered;
    });
    await app.listen({ port: 0 });
    const patient = new Agent({ keepAliveTimeout: 60_000 });
    const { port } = app.server.address() as AddressInfo;
    const reading = request(`http://127.0.0.1:${port}/slow`, { dispatcher: patient });
    await asked;
    const closed = app.close();
    await new Promise(setImmediate);
    answer('at last');
    expect(await (await reading).body.text()).toBe('at last');
    await closed;
    await patient.close();
  });

  it('is not ready while a dependency hangs or fails, which is not waited for, and alive all the same', async () => {
    const app = createHttpServer(logger);
    addHealth(app, { database: () => new Promise(() => {}), other: () => Promise.reject(new Error('no')) });
    const answer = await app.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ status: 'not ready', checks: { database: 'failed', other: 'failed' } });
    expect((await app.inject('/livez')).statusCode).toBe(200);
  });
});

describe('a service told to stop', () => {
  it('serves everybody as before for a while, says that it is not ready and that they shall come no more', async () => {
    const service = spawn(process.execPath, [fileURLToPath(new URL('../test/leaving-service.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = await once(service.stdout, 'data');
    const visitor = new Agent({ keepAliveTimeout: 60_000 });
    const visit = (path: string) => request(`http://127.0.0.1:${String(port).trim()}${path}`, { dispatcher: visitor });
    const before = await visit('/');
    expect(await before.body.text()).toBe('served');
    expect(before.headers['connection']).toBe('keep-alive');
    service.kill('SIGTERM');
    await vi.waitFor(async () => expect((await visit('/readyz')).statusCode).toBe(503), { interval: 5 });
    for (let visits = 0; visits < 5; visits++) {
      const { statusCode, headers, body } = await visit('/');
      expect(await body.text()).toBe('served');
      expect({ statusCode, connection: headers['connection'] }).toEqual({ statusCode: 200, connection: 'close' });
    }
    expect(await once(service, 'exit')).toEqual([0, null]);
    await expect(visit('/')).rejects.toThrow();
    await visitor.close();
  });

  it('closes everything in order and ends, although one of them hangs and one fails', { timeout: 20_000 }, async () => {
    const service = spawn(process.execPath, [fileURLToPath(new URL('../test/stopping-service.ts', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    service.stdout.on('data', (text) => {
      said += text;
    });
    await once(service.stdout, 'data');
    const started = Date.now();
    service.kill('SIGTERM');
    const [code] = await once(service, 'exit');
    expect(code).toBe(0);
    expect(said.trim().split('\n')).toEqual(['listening', 'first', 'hangs', 'fails', 'last']);
    expect(Date.now() - started).toBeLessThan(8_000);
  });
});
