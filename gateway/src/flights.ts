import type { Wish, WishListener } from '@souk/platform/patience';
import type { ResultListener } from '@souk/platform/result-listener';
import { type Errand, UnderWay } from './errand.ts';
import { HangUpListener, onHangUp } from './hang-up.ts';

/** Work that several requests wait for, done once. */
export interface Flights<Value> {
  /**
   * Joins the work that is under way for an equal errand, or begins it.
   *
   * @param hungUp ends when this request does not want the result any more
   * @param work   is told when no request wants it any more, and tells its result
   */
  board(errand: Errand, hungUp: AbortSignal, work: Work<Value>): Boarding<Value>;
  /** Nobody joins any more what is under way now. Whoever waits for it is told of it. */
  closeAll(): void;
}

export type Work<Value> = (wish: Wish, result: ResultListener<Value>) => void;

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
  const flights = new UnderWay<Flight<Value>>();

  function open(errand: Errand): Flight<Value> {
    const flight = new Flight<Value>(errand, flights, toLeaver);
    flights.add(flight);
    return flight;
  }

  return {
    board(errand, hungUp, work) {
      const known = flights.find(errand);
      const isShared = known !== undefined && performance.now() - known.beganAtMs < boardingMs;
      const flight = isShared ? known : open(errand);
      const passenger = flight.seat(hungUp);
      if (!isShared) work(flight, flight);
      if (hungUp.aborted) passenger.hungUp();
      return { landing: passenger.landing, isShared, beganAtMs: flight.beganAtMs };
    },
    closeAll: () => flights.removeAll(),
  };
}

class Flight<Value> implements Wish, ResultListener<Value> {
  readonly errand: Errand;
  readonly beganAtMs = performance.now();
  listener: WishListener | undefined;
  /** Where it is found, as long as it has not landed. */
  readonly #flights: UnderWay<Flight<Value>>;
  readonly #toLeaver: FlightsOptions['toLeaver'];
  /** Those who will be told the result. */
  #passengers: Passenger<Value>[] = [];
  /** How many of them want it. */
  #staying = 0;

  constructor(errand: Errand, flights: UnderWay<Flight<Value>>, toLeaver: FlightsOptions['toLeaver']) {
    this.errand = errand;
    this.#flights = flights;
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
    this.#flights.remove(this);
    for (const passenger of this.#passengers) {
      passenger.unlink();
      passenger.land(value);
    }
  }

  failed(error: unknown): void {
    this.#flights.remove(this);
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
    this.#flights.remove(this);
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
