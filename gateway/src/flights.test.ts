import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Errand } from './errand.ts';
import { createFlights, type Work } from './flights.ts';

const errand = new Errand('ada', 'query', '{}');
const stays = new AbortController().signal;

/** Work that ends when it is told to. */
function slowWork() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const begun: { isAbandoned: boolean }[] = [];
  const work: Work<string> = (wish, result) => {
    const state = { isAbandoned: false };
    begun.push(state);
    wish.listener = {
      abandoned() {
        state.isAbandoned = true;
      },
    };
    promise.then(
      (value) => result.answered(value),
      (error) => result.failed(error),
    );
  };
  return { work, begun, resolve, reject };
}

it('does for all what one began, and anew for the next', async () => {
  const flights = createFlights<string>({ boardingMs: 1_000 });
  const { work, begun, resolve } = slowWork();
  const boardings = [1, 2, 3].map(() => flights.board(errand, stays, work));
  expect(boardings.map(({ isShared }) => isShared)).toEqual([false, true, true]);
  resolve('done');
  expect(await Promise.all(boardings.map(({ landing }) => landing))).toEqual(['done', 'done', 'done']);
  expect(begun).toHaveLength(1);
  expect(flights.board(errand, stays, work).isShared).toBe(false);
});

it('goes on for the others when the one that began hangs up', async () => {
  const flights = createFlights<string>({ boardingMs: 1_000 });
  const { work, begun, resolve } = slowWork();
  const leader = new AbortController();
  flights.board(errand, leader.signal, work);
  const { landing } = flights.board(errand, stays, work);
  leader.abort();
  expect(begun[0]?.isAbandoned).toBe(false);
  resolve('done');
  expect(await landing).toBe('done');
});

it('ends when all have hung up, and whoever comes then begins anew', () => {
  const flights = createFlights<string>({ boardingMs: 1_000 });
  const { work, begun } = slowWork();
  const clients = [new AbortController(), new AbortController()];
  for (const { signal } of clients) flights.board(errand, signal, work);
  clients[0]?.abort();
  expect(begun[0]?.isAbandoned).toBe(false);
  clients[1]?.abort();
  expect(begun[0]?.isAbandoned).toBe(true);
  expect(flights.board(errand, stays, work).isShared).toBe(false);
});

it('ends at once what is begun for somebody who has hung up', () => {
  const flights = createFlights<string>({ boardingMs: 1_000 });
  const { work, begun } = slowWork();
  flights.board(errand, AbortSignal.abort(), work);
  expect(begun).toEqual([{ isAbandoned: true }]);
});

it('tells whoever hangs up so at once where that is wanted, and the others the result', async () => {
  const toLeaver = () => new Error('gone');
  const flights = createFlights<string>({ boardingMs: 1_000, toLeaver });
  const { work, resolve } = slowWork();
  const leader = new AbortController();
  const first = flights.board(errand, leader.signal, work).landing;
  const second = flights.board(errand, stays, work).landing;
  leader.abort();
  await expect(first).rejects.toThrow('gone');
  await expect(flights.board(errand, leader.signal, work).landing).rejects.toThrow('gone');
  resolve('done');
  expect(await second).toBe('done');
});

it('shares what went wrong, and does not keep it', async () => {
  const flights = createFlights<string>({ boardingMs: 1_000 });
  const { work, reject } = slowWork();
  const boardings = [1, 2].map(() => flights.board(errand, stays, work));
  reject(new Error('broken'));
  for (const { landing } of boardings) await expect(landing).rejects.toThrow('broken');
  expect(await flights.board(errand, stays, (_wish, result) => result.answered('well')).landing).toBe('well');
});

it('is not joined any more when it has been under way for long', async () => {
  const flights = createFlights<string>({ boardingMs: 20 });
  const [first, second] = [slowWork(), slowWork()];
  const early = flights.board(errand, stays, first.work);
  await delay(30);
  const late = flights.board(errand, stays, second.work);
  expect(late.isShared).toBe(false);
  first.resolve('old');
  second.resolve('new');
  expect([await early.landing, await late.landing]).toEqual(['old', 'new']);
});

it('does not mistake one question for another', async () => {
  const flights = createFlights<string>({ boardingMs: 1_000 });
  const both = ['a', 'b'].map(
    (key) => flights.board(new Errand('', key, ''), stays, (_wish, result) => result.answered(key)).landing,
  );
  expect(await Promise.all(both)).toEqual(['a', 'b']);
});
