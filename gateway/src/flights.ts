import type { Wish, WishListener } from '@souk/platform/patience';
import { HangUpListener, onHangUp } from './hang-up.ts';

/** Work that several requests wait for, done once. */
export interface Flights<Value> {
  /**
   * Joins the work that is under way for `key`, or begins it.
   *
   * @param key    one text, or two: of a long one that stays the same, the second, nothing new has to be made
   * @param hungUp ends when this request does not want the result any more
   * @param work   is told when no request wants it any more, and tells its result
   */
  board(key: FlightKey, hungUp: AbortSignal, work: Work<Value>): Boarding<Value>;
}

export type FlightKey = string | readonly [scope: string, text: string];

export type Work<Value> = (wish: Wish, result: ResultListener<Value>) => void;

/** Told the result of work, once, in one of these ways. */
export interface ResultListener<Value> {
  answered(value: Value): void;
  failed(error: unknown): void;
}

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

export function createFlights<Value>({ boardingMs, toLeaver }: FlightsOptions): Flights<Value> {
  const flights = new Map<string, Map<string, Flight<Value>>>();

  function open(scope: string, text: string): Flight<Value> {
    const flight = new Flight<Value>(() => close(scope, text, flight), toLeaver);
    const inScope = flights.get(scope);
    if (inScope) inScope.set(text, flight);
    else flights.set(scope, new Map([[text, flight]]));
    return flight;
  }

  function close(scope: string, text: string, flight: Flight<Value>): void {
    const inScope = flights.get(scope);
    if (inScope?.get(text) !== flight) return;
    inScope.delete(text);
    if (inScope.size === 0) flights.delete(scope);
  }

  return {
    board(key, hungUp, work) {
      const scope = typeof key === 'string' ? '' : key[0];
      const text = typeof key === 'string' ? key : key[1];
      const underWay = flights.get(scope)?.get(text);
      const isShared = underWay !== undefined && performance.now() - underWay.beganAtMs < boardingMs;
      const flight = isShared ? underWay : open(scope, text);
      const passenger = flight.seat(hungUp);
      if (!isShared) work(flight, flight);
      if (hungUp.aborted) passenger.hungUp();
      return { landing: passenger.landing, isShared, beganAtMs: flight.beganAtMs };
    },
  };
}

class Flight<Value> implements Wish, ResultListener<Value> {
  readonly beganAtMs = performance.now();
  listener: WishListener | undefined;
  readonly #close: () => void;
  readonly #toLeaver: FlightsOptions['toLeaver'];
  /** Those who will be told the result. */
  #passengers: Passenger<Value>[] = [];
  /** How many of them want it. */
  #staying = 0;

  /** @param close nobody is to find it any more */
  constructor(close: () => void, toLeaver: FlightsOptions['toLeaver']) {
    this.#close = close;
    this.#toLeaver = toLeaver;
  }

  seat(hungUp: AbortSignal): Passenger<Value> {
    const passenger = new Passenger(this, hungUp);
    this.#passengers.push(passenger);
    this.#staying++;
    onHangUp(hungUp, passenger);
    return passenger;
  }

  answered(value: Value): void {
    this.#close();
    for (const passenger of this.#passengers) {
      passenger.unlink();
      passenger.land(value);
    }
  }

  failed(error: unknown): void {
    this.#close();
    for (const passenger of this.#passengers) {
      passenger.unlink();
      passenger.fail(error);
    }
  }

  /** Whoever began it has no more say than the others: it ends early only when all have left. */
  leave(passenger: Passenger<Value>, hungUp: AbortSignal): void {
    if (this.#toLeaver) {
      this.#passengers = this.#passengers.filter((each) => each !== passenger);
      passenger.fail(this.#toLeaver(hungUp));
    }
    if (--this.#staying > 0) return;
    this.#close();
    this.listener?.abandoned(hungUp.reason);
  }
}

class Passenger<Value> extends HangUpListener {
  readonly landing: Promise<Value>;
  land!: (value: Value) => void;
  fail!: (error: unknown) => void;
  readonly #flight: Flight<Value>;
  readonly #hungUp: AbortSignal;

  constructor(flight: Flight<Value>, hungUp: AbortSignal) {
    super();
    this.#flight = flight;
    this.#hungUp = hungUp;
    this.landing = new Promise((land, fail) => {
      this.land = land;
      this.fail = fail;
    });
  }

  override hungUp(): void {
    this.unlink();
    this.#flight.leave(this, this.#hungUp);
  }
}
