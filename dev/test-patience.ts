import { vi } from 'vitest';

/** A machine that has much else to do is slow, not wrong, and a wait ends as soon as what it is for has come: Vitest's own patience is one second. */
const PATIENCE_MS = 10_000;

const { waitFor } = vi;
vi.waitFor = (check, options) =>
  waitFor(check, { timeout: PATIENCE_MS, ...(typeof options === 'number' ? { timeout: options } : options) });
