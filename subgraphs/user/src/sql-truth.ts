/** Reads a condition that SQL evaluated: 1 or 0, which the driver gives as a number or as text. */
export const isTrue = (value: unknown): boolean => Number(value) === 1;
