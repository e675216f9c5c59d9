import { onEnd } from './hang-up.ts';

/** Work that several requests wait for, done once. */
export interface Flights<Value> {
  /**
   * Joins the work that is under way for `key`, or begins it.
   *
   * @param key    one text, or two: of a long one that stays the same, the second, nothing new has to be made
   * @param hungUp ends when this request does not want the result any more
   * @param work   gets a signal that ends when no request does
   */
  board(key: FlightKey, hungUp: AbortSignal, work: (abandoned: AbortSignal) => Promise<Value>): Boarding<Value>;
}

export type FlightKey = string | readonly [scope: string, text: string];

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
  const flights = new Map<string, Map<string, Flight<Value>>>();

  function begin(key: FlightKey, work: (abandoned: AbortSignal) => Promise<Value>): Flight<Value> {
    const abandoned = new AbortController();
    const flight: Flight<Value> = {
      landing: work(abandoned.signal).finally(() => close(key, flight)),
      beganAtMs: performance.now(),
      passengers: 0,
      abandoned,
    };
    const [scope, text] = partsOf(key);
    const inScope = flights.get(scope);
    if (inScope) inScope.set(text, flight);
    else flights.set(scope, new Map([[text, flight]]));
    return flight;
  }

  function close(key: FlightKey, flight: Flight<Value>): void {
    const [scope, text] = partsOf(key);
    const inScope = flights.get(scope);
    if (inScope?.get(text) !== flight) return;
    inScope.delete(text);
    if (inScope.size === 0) flights.delete(scope);
  }

  /** Whoever began it has no more say than the others: it ends early only when all have left. */
  function count(key: FlightKey, flight: Flight<Value>, hungUp: AbortSignal): void {
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
      const [scope, text] = partsOf(key);
      const underWay = flights.get(scope)?.get(text);
      const isShared = underWay !== undefined && performance.now() - underWay.beganAtMs < boardingMs;
      const flight = isShared ? underWay : begin(key, work);
      count(key, flight, hungUp);
      return { landing: flight.landing, isShared, beganAtMs: flight.beganAtMs };
    },
  };
}

function partsOf(key: FlightKey): readonly [string, string] {
  return typeof key === 'string' ? ['', key] : key;
}
