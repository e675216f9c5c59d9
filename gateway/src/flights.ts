import type { Wish } from '@souk/platform/patience';
import { onEnd } from './hang-up.ts';

/** Work that several requests wait for, done once. */
export interface Flights<Value> {
  /**
   * Joins the work that is under way for `key`, or begins it.
   *
   * @param key    one text, or two: of a long one that stays the same, the second, nothing new has to be made
   * @param hungUp ends when this request does not want the result any more
   * @param work   is told when no request wants it any more
   */
  board(key: FlightKey, hungUp: AbortSignal, work: (wish: Wish) => Promise<Value>): Boarding<Value>;
}

export type FlightKey = string | readonly [scope: string, text: string];

export interface Boarding<Value> {
  landing: Promise<Value>;
  isShared: boolean;
  /** Of `performance.now()`. */
  beganAtMs: number;
}

export interface FlightsOptions {
  /** For how long others may join: what began earlier may have read what has changed since. */
  boardingMs: number;
  /** What whoever hangs up is told at once; without it he is told the result, as those who stay. */
  toLeaver?: (hungUp: AbortSignal) => Error;
}

interface Flight<Value> extends Wish {
  beganAtMs: number;
  /** Those who will be told the result. */
  passengers: Set<Passenger<Value>>;
  /** How many of them want it. */
  staying: number;
}

interface Passenger<Value> {
  land(value: Value): void;
  fail(error: unknown): void;
  forget(): void;
}

export function createFlights<Value>({ boardingMs, toLeaver }: FlightsOptions): Flights<Value> {
  const flights = new Map<string, Map<string, Flight<Value>>>();

  function begin(scope: string, text: string, work: (wish: Wish) => Promise<Value>): Flight<Value> {
    const flight: Flight<Value> = {
      beganAtMs: performance.now(),
      passengers: new Set(),
      staying: 0,
      whenAbandoned: undefined,
    };
    const inScope = flights.get(scope);
    if (inScope) inScope.set(text, flight);
    else flights.set(scope, new Map([[text, flight]]));
    work(flight).then(
      (value) => {
        close(scope, text, flight);
        for (const { forget, land } of flight.passengers) {
          forget();
          land(value);
        }
      },
      (error: unknown) => {
        close(scope, text, flight);
        for (const { forget, fail } of flight.passengers) {
          forget();
          fail(error);
        }
      },
    );
    return flight;
  }

  function close(scope: string, text: string, flight: Flight<Value>): void {
    const inScope = flights.get(scope);
    if (inScope?.get(text) !== flight) return;
    inScope.delete(text);
    if (inScope.size === 0) flights.delete(scope);
  }

  /** Whoever began it has no more say than the others: it ends early only when all have left. */
  function seat(scope: string, text: string, flight: Flight<Value>, hungUp: AbortSignal): Promise<Value> {
    return new Promise((land, fail) => {
      const leave = () => {
        passenger.forget();
        if (toLeaver) {
          flight.passengers.delete(passenger);
          fail(toLeaver(hungUp));
        }
        if (--flight.staying > 0) return;
        close(scope, text, flight);
        flight.whenAbandoned?.(hungUp.reason);
      };
      const passenger: Passenger<Value> = { land, fail, forget: onEnd(hungUp, leave) };
      flight.passengers.add(passenger);
      flight.staying++;
      if (hungUp.aborted) leave();
    });
  }

  return {
    board(key, hungUp, work) {
      const [scope, text] = typeof key === 'string' ? ['', key] : key;
      const underWay = flights.get(scope)?.get(text);
      const isShared = underWay !== undefined && performance.now() - underWay.beganAtMs < boardingMs;
      const flight = isShared ? underWay : begin(scope, text, work);
      return { landing: seat(scope, text, flight, hungUp), isShared, beganAtMs: flight.beganAtMs };
    },
  };
}
