import type { Refusal } from '@souk/platform/errors';

/** The longest note or message. */
export const MAX_REMARK_LENGTH = 500;

/**
 * Text that somebody typed: without space around it, null when nothing is left.
 * What is wrong with it is added to `refusals`, so that a form hears of all its faults at once.
 */
export function typedText(
  value: string | null | undefined,
  rule: { field: string[]; maximum: number; isRequired?: boolean },
  refusals: Refusal[],
): string | null {
  const { field, maximum, isRequired = false } = rule;
  const text = value?.trim() ?? '';
  if (text.length > maximum) {
    refusals.push({
      code: 'INVALID',
      field,
      message: `Expected at most ${maximum} characters, got ${text.length}.`,
    });
  }
  if (isRequired && text === '') {
    refusals.push({ code: 'REQUIRED', field, message: `Expected 1 to ${maximum} characters, got none.` });
  }
  return text === '' ? null : text;
}
