import { onEnd } from './hang-up.ts';

/** Work that several requests wait for, done once. */
export interface Flights<Value> {
  /**
   * Joins the work that is under way for `key`, or begins it.
   *
   * @param hungUp ends when this request does not want the result any more
   * @param work   gets a signal that ends when no request does
   */
  board(key: string, hungUp: AbortSignal, work: (abandoned: AbortSignal) => Promise<Value>): Boarding<Value>;
}

export interface Boarding<Value> {
  landing: Promise<Value>;
  isShared: boolean;
  /** Of `performance.now()`. */
  beganAtMs: number;
}

interface Flight<Value> {
  landing: Promise<Value>;
  beganAtMs: number;
  passengers: number;
  abandoned: AbortController;
}

/** @param boardingMs for how long others may join: what began earlier may have read what has changed since */
export function createFlights<Value>({ boardingMs }: { boardingMs: number }): Flights<Value> {
  const flights = new Map<string, Flight<Value>>();

  function begin(key: string, work: (abandoned: AbortSignal) => Promise<Value>): Flight<Value> {
    const abandoned = new AbortController();
    const flight: Flight<Value> = {
      landing: work(abandoned.signal).finally(() => close(key, flight)),
      beganAtMs: performance.now(),
      passengers: 0,
      abandoned,
    };
    flights.set(key, flight);
    return flight;
  }

  function close(key: string, flight: Flight<Value>): void {
    if (flights.get(key) === flight) flights.delete(key);
  }

  /** Whoever began it has no more say than the others: it ends early only when all have left. */
  function count(key: string, flight: Flight<Value>, hungUp: AbortSignal): void {
    const leave = () => {
      flight.passengers -= 1;
      if (flight.passengers > 0) return;
      close(key, flight);
      flight.abandoned.abort(hungUp.reason);
    };
    flight.passengers += 1;
    const forget = onEnd(hungUp, leave);
    flight.landing.then(forget, forget);
    if (hungUp.aborted) leave();
  }

  return {
    board(key, hungUp, work) {
      const underWay = flights.get(key);
      const isShared = underWay !== undefined && performance.now() - underWay.beganAtMs < boardingMs;
      const flight = isShared ? underWay : begin(key, work);
      count(key, flight, hungUp);
      return { landing: flight.landing, isShared, beganAtMs: flight.beganAtMs };
    },
  };
}
