/**
 * Hears what becomes of something, once, in one of these ways; it may be told before whoever is to tell it returns. What a promise is for, for each of thousands of
 * requests a second, where the promises would take a good part of the time.
 */
export interface ResultListener<Value> {
  answered(value: Value): void;
  failed(error: unknown): void;
}
