import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followTokenKeys, isKeySetFault } from './token-keys.ts';

interface Key {
  jwk: JWK;
  privateKey: CryptoKey;
}

let endpoint: Server;
let url: string;
let published: Key[];
/** What is wrong with the endpoint; 200 for nothing. */
let status: number;
let asked: number;
let keys: ReturnType<typeof followTokenKeys>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  published = [await newKey('first'), await newKey('second')];
  status = 200;
  asked = 0;
  endpoint = createServer((_request, response) => {
    asked++;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(status === 200 ? JSON.stringify({ keys: published.map(({ jwk }) => jwk) }) : 'x');
  });
  await new Promise<void>((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/jwks`;
  keys = followTokenKeys([url]);
});

afterEach(async () => {
  vi.useRealTimers();
  await new Promise((resolve) => endpoint.close(resolve));
});

async function newKey(kid: string): Promise<Key> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  return { privateKey: pair.privateKey, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'EdDSA', use: 'sig' } };
}

const sign = ({ privateKey, jwk: { kid = '' } }: Key) =>
  new SignJWT({}).setProtectedHeader({ alg: 'EdDSA', kid }).sign(privateKey);
/** What becomes of a token of this key: good, bad, or nobody knows. */
const judge = async (key: Key) =>
  jwtVerify(await sign(key), keys).then(
    () => 'good',
    (error: unknown) => (isKeySetFault(error) ? 'unknown' : 'bad'),
  );
const first = () => published[0] as Key;
const second = () => published[1] as Key;
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe('the keys of access tokens', () => {
  it('are asked for once, however many tokens come at once', async () => {
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => judge(first())));
    expect(new Set(verdicts)).toEqual(new Set(['good']));
    expect(asked).toBe(1);
  });

  it('are known before they sign: a rotation asks for nothing', async () => {
    expect(await judge(first())).toBe('good');
    later(60_000);
    expect(await judge(second())).toBe('good');
    expect(asked).toBe(1);
  });

  it('that came since are asked for, and the old ones stay good beside them', async () => {
    const old = first();
    await judge(old);
    const third = await newKey('third');
    published = [...published, third];
    later(1_100);
    const verdicts = await Promise.all([judge(third), judge(old), judge(third), judge(second())]);
    expect(verdicts).toEqual(['good', 'good', 'good', 'good']);
    expect(asked).toBe(2);
  });

  it('are not asked for again and again because of ids that nobody knows', async () => {
    await judge(first());
    const strangers = await Promise.all(Array.from({ length: 30 }, (_, i) => newKey(`stranger-${i}`)));
    later(1_100);
    for (const stranger of strangers) expect(await judge(stranger)).toBe('bad');
    expect(asked).toBe(2);
    later(1_100);
    await judge(strangers[0] as Key);
    expect(asked).toBe(3);
  });

  it('that are known stay good while the endpoint is down, and of others nobody knows', async () => {
    const known = first();
    await judge(known);
    const third = await newKey('third');
    published = [...published, third];
    status = 503;
    later(1_100);
    expect(await judge(third)).toBe('unknown');
    expect(await judge(known)).toBe('good');
    expect(await judge(second())).toBe('good');
    status = 200;
    later(1_100);
    expect(await judge(third)).toBe('good');
  });

  it('are not asked for more than once a second of an endpoint that is down', async () => {
    status = 500;
    for (let attempt = 0; attempt < 20; attempt++) expect(await judge(first())).toBe('unknown');
    expect(asked).toBe(1);
    status = 200;
    later(1_100);
    expect(await judge(first())).toBe('good');
    expect(asked).toBe(2);
  });

  it('that are gone are forgotten after a while, unless nobody can say so', async () => {
    const [old, kept] = [first(), second()];
    await judge(old);
    published = [kept];
    status = 503;
    later(301_000);
    await judge(old);
    await vi.waitFor(() => expect(asked).toBe(2));
    expect(await judge(old)).toBe('good');
    status = 200;
    later(301_000);
    await vi.waitFor(async () => expect(await judge(old)).toBe('bad'));
    expect(await judge(kept)).toBe('good');
  });

  it('are had from any address that answers', async () => {
    keys = followTokenKeys(['http://127.0.0.1:1/jwks', url]);
    expect(await judge(first())).toBe('good');
    keys = followTokenKeys([url, 'http://127.0.0.1:1/jwks']);
    expect(await judge(first())).toBe('good');
    expect(asked).toBe(2);
  });
});
