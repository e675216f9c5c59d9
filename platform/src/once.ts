/** Runs at most once, and gives everybody the same result. */
export function once<Value>(run: () => Promise<Value>): () => Promise<Value> {
  let result: Promise<Value> | undefined;
  return () => {
    result ??= run();
    return result;
  };
}
