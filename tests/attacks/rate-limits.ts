import { randomInt } from 'node:crypto';
import { expect, vi } from 'vitest';
import { newCustomer, type Person } from '../client.ts';
import { liftLimits, setDoorLimits } from '../door-limits.ts';
import { type Attack, attack } from './attack.ts';
import type { Reply } from './reply.ts';
import { ask, bearer, post } from './request.ts';
import type { Scene } from './scene.ts';
import type { StrictGateway } from './strict-gateway.ts';

/** An address of its own for whoever asks. */
export const newAddress = () => `198.${randomInt(18, 20)}.${randomInt(256)}.${randomInt(256)}`;

const TYPENAME = '{ __typename }';
const SEARCH = '{ productSearch(query: "shoe", first: 1) { nodes { id } } }';
const tooMuch = { status: 429, code: 'RATE_LIMITED', headers: { 'retry-after': /^\d+$/ } };
const budgets = { points: 20, windowSeconds: 600 };
const plenty = { points: 100_000_000, windowSeconds: 1 };

/** Those who ask too often, at a gateway that knows clients by what its proxy says of them. */
export function rateLimits(gateway: () => StrictGateway): Attack[] {
  const from = (address: string, query = TYPENAME, person?: Person) =>
    ask({ url: gateway().url, ...person }, query, {}, { 'x-forwarded-for': address });
  const asOften = async (times: number, work: (index: number) => Promise<Reply>): Promise<Reply> => {
    let last = await work(0);
    for (let index = 1; index < times; index++) last = await work(index);
    return last;
  };
  /** Staff come from somewhere else each time, so that no limit keeps them from lifting it. */
  const staff = ({ admin }: Scene) => ({
    ...admin,
    url: gateway().adminUrl,
    headers: { 'x-forwarded-for': newAddress() },
  });
  const lift = (scene: Scene) => liftLimits(staff(scene));
  /** Sets a limit, and waits until the gateway goes by it: then somebody who does not matter has used it up. */
  async function limiting(scene: Scene, limits: Parameters<typeof setDoorLimits>[1], use: () => Promise<Reply>) {
    await setDoorLimits(staff(scene), limits);
    await vi.waitFor(async () => expect((await use()).status).toBe(429), { timeout: 10_000, interval: 20 });
  }
  const addressLimit = async (scene: Scene) => {
    const sacrificed = newAddress();
    await limiting(scene, { address: budgets }, () => from(sacrificed));
    return newAddress();
  };
  const fieldLimit = async (scene: Scene) => {
    const sacrificed = newAddress();
    await limiting(scene, { rootFields: [{ name: 'productSearch', ...budgets, points: 40 }] }, () =>
      from(sacrificed, SEARCH),
    );
    return newAddress();
  };
  const sensitiveLimit = async (scene: Scene) => {
    const sacrificed = newAddress();
    await limiting(scene, { sensitiveRootField: { ...budgets, points: 10 } }, () => from(sacrificed, REFRESH));
    return newAddress();
  };

  return [
    attack({
      tries: 'as many requests as an address may send',
      given: addressLimit,
      request: (_scene, address) => asOften(20, () => from(address)),
      answer: { status: 200 },
      effect: lift,
      writes: 'anything',
    }),
    attack({
      tries: 'one request more',
      given: addressLimit,
      request: (_scene, address) => asOften(21, () => from(address)),
      answer: tooMuch,
      async effect(scene) {
        expect((await from(newAddress())).status).toBe(200);
        await lift(scene);
      },
    }),
    attack({
      tries: 'one request more, under another address further left in the header, which anybody can write',
      given: addressLimit,
      request: (_scene, address) => asOften(21, () => from(`${newAddress()}, ${address}`)),
      answer: tooMuch,
      effect: lift,
    }),
    attack({
      tries: 'requests that cannot be read, which count as well',
      given: addressLimit,
      async request(_scene, address) {
        await asOften(20, () => post(gateway().url, '{', { 'x-forwarded-for': address }));
        return from(address);
      },
      answer: tooMuch,
      effect: lift,
    }),
    attack({
      tries: 'one request from each of many addresses of one IPv6 network',
      async given(scene: Scene) {
        await addressLimit(scene);
        return `2001:db8:${randomInt(65_536).toString(16)}:${randomInt(65_536).toString(16)}`;
      },
      request: (_scene, network) => asOften(21, (index) => from(`${network}::${(index + 1).toString(16)}`)),
      answer: tooMuch,
      effect: lift,
    }),
    attack({
      tries: 'one field too often, with other documents each time',
      given: fieldLimit,
      request: (_scene, address) => asOften(5, (index) => from(address, `${SEARCH} # ${index}`)),
      answer: tooMuch,
      async effect(scene, address) {
        expect((await from(address)).status).toBe(200);
        expect((await from(newAddress(), SEARCH)).status).toBe(200);
        await lift(scene);
      },
    }),
    attack({
      tries: 'one field too often, under aliases in one document',
      given: fieldLimit,
      async request(_scene, address) {
        const aliased = `{ ${Array.from({ length: 5 }, (_, index) => `a${index}: productSearch(query: "shoe", first: 1) { nodes { id } }`).join(' ')} }`;
        await from(address, aliased);
        return from(address, SEARCH);
      },
      answer: tooMuch,
      effect: lift,
    }),
    attack({
      tries: 'one field too often, as one user from many addresses',
      async given(scene: Scene) {
        await fieldLimit(scene);
        return newCustomer(gateway().url);
      },
      request: (_scene, person) => asOften(6, () => from(newAddress(), SEARCH, { ...person, url: gateway().url })),
      answer: tooMuch,
      effect: lift,
    }),
    attack({
      tries: 'one field too often, as a guest with a token that is none',
      given: fieldLimit,
      async request(_scene, address) {
        await asOften(5, () => from(address, SEARCH));
        return post(gateway().url, JSON.stringify({ query: SEARCH }), {
          ...bearer('a.b.c'),
          'x-forwarded-for': address,
        });
      },
      answer: { status: 401, code: 'UNAUTHENTICATED' },
      effect: lift,
    }),
    attack({
      tries: 'secrets more often than secrets may be tried',
      given: sensitiveLimit,
      request: (_scene, address) => asOften(11, () => from(address, REFRESH)),
      answer: tooMuch,
      effect: lift,
    }),
    attack({
      tries: 'secrets as often as secrets may be tried',
      given: sensitiveLimit,
      request: (_scene, address) => asOften(10, () => from(address, REFRESH)),
      answer: { status: 200, userErrors: ['TOKEN_INVALID'] },
      effect: lift,
    }),
    attack({
      tries: 'six hundred requests at once, where eight are worked on at a time',
      isCrowd: true,
      async given(scene: Scene) {
        const instance = { minimumInFlight: 8, maximumInFlight: 8, delayMs: 10_000, reservedPercent: 20 };
        await setDoorLimits(staff(scene), { address: plenty, instance });
        await new Promise((resolve) => setTimeout(resolve, 1_500));
      },
      async request() {
        const address = newAddress();
        const replies = await Promise.all(
          Array.from({ length: 600 }, (_, index) => from(address, `${SEARCH} # ${index}`)),
        );
        const counts = Object.groupBy(replies, ({ status }) => status);
        expect(Object.keys(counts).sort()).toEqual(['200', '503']);
        return counts['503']?.[0] as Reply;
      },
      // The one answer of this kind that is meant: another instance may have room.
      answer: { status: 503, code: 'RATE_LIMITED', headers: { 'retry-after': /^\d+$/ } },
      async effect(scene) {
        expect((await from(newAddress(), SEARCH)).status).toBe(200);
        await lift(scene);
      },
    }),
  ];
}

const REFRESH = 'mutation { tokenRefresh(input: { refreshToken: "nonsense" }) { userErrors { code } } }';
