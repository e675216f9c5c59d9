import type { GatewayAnswer } from './gateways.ts';

interface Body {
  data?: unknown;
  errors?: unknown[];
  extensions?: Record<string, unknown>;
}

/**
 * Compares what two gateways answered to the same operation: status, data byte for byte and so in the same order, errors with their paths, codes and messages,
 * and extensions. Errors may come in another order: it is that in which subgraphs happened to answer.
 *
 * @returns what differs, in words; undefined when nothing does
 */
export function differenceOf(expected: GatewayAnswer, actual: GatewayAnswer): string | undefined {
  if (expected.status !== actual.status) return `status: expected ${expected.status}, got ${actual.status}`;
  if (expected.body === actual.body) return undefined;
  const wanted = JSON.parse(expected.body) as Body;
  const got = JSON.parse(actual.body) as Body;
  return (
    differentErrors(wanted.errors, got.errors) ??
    differentText('data', wanted.data, got.data) ??
    differentExtensions(wanted.extensions, got.extensions) ??
    // The same values, but not the same bytes.
    differentBytes(expected.body, withErrorsOf(wanted, actual.body, got))
  );
}

function differentErrors(wanted: unknown[] | undefined, got: unknown[] | undefined): string | undefined {
  if (wanted === undefined && got === undefined) return undefined;
  return differentText('errors', wanted?.map(sorted).map(text).sort(), got?.map(sorted).map(text).sort());
}

function differentExtensions(wanted: Body['extensions'], got: Body['extensions']): string | undefined {
  return differentText('extensions', sorted(wanted), sorted(got));
}

function differentText(what: string, wanted: unknown, got: unknown): string | undefined {
  return differentBytes(text(wanted), text(got), what);
}

function differentBytes(wanted: string, got: string, what = 'bytes'): string | undefined {
  if (wanted === got) return undefined;
  let at = 0;
  while (wanted[at] === got[at]) at++;
  const around = (whole: string) => `…${whole.slice(Math.max(0, at - 80), at + 80)}…`;
  return `${what} differ at ${at}:\n  expected ${around(wanted)}\n  got      ${around(got)}`;
}

/** The text with its errors in the expected order. */
function withErrorsOf(wanted: Body, actualText: string, got: Body): string {
  if (!wanted.errors || !got.errors) return actualText;
  const start = '{"errors":';
  const written = text(got.errors);
  if (!actualText.startsWith(start + written)) return actualText;
  return start + text(wanted.errors) + actualText.slice(start.length + written.length);
}

const text = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

/** Members of objects in the order of their names, which means nothing beside the data. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}
