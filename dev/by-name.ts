/** One value for each name. */
export function byName<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Value,
): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, Value>;
}

/** One value for each name, all made at the same time. */
export async function allByName<Name extends string, Value>(
  names: readonly Name[],
  make: (name: Name) => Promise<Value>,
): Promise<Record<Name, Value>> {
  const values = await Promise.all(names.map(async (name) => [name, await make(name)] as const));
  return Object.fromEntries(values) as Record<Name, Value>;
}
