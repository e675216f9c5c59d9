import { controlCharacterFault, withPlainLineBreaks } from '@souk/platform/control-characters';
import type { Refusal } from '@souk/platform/errors';

/** The longest note or message. */
export const MAX_REMARK_LENGTH = 500;

/**
 * Text that somebody typed: without space around it, null when nothing is left. Line breaks and tabs are for those that may have lines.
 * What is wrong with it is added to `refusals`, so that a form hears of all its faults at once.
 */
export function typedText(
  value: string | null | undefined,
  rule: { field: string[]; maximum: number; isRequired?: boolean; hasLines?: boolean },
  refusals: Refusal[],
): string | null {
  const { field, maximum, isRequired = false, hasLines = false } = rule;
  const text = withPlainLineBreaks(value ?? '').trim();
  if (text.length > maximum) {
    refusals.push({
      code: 'INVALID',
      field,
      message: `Expected at most ${maximum} characters, got ${text.length}.`,
    });
  }
  const fault = controlCharacterFault(text, { hasLines });
  if (fault) refusals.push({ code: 'INVALID', field, message: fault });
  if (isRequired && text === '') {
    refusals.push({ code: 'REQUIRED', field, message: `Expected 1 to ${maximum} characters, got none.` });
  }
  return text === '' ? null : text;
}
