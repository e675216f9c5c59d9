import { controlCharacterFault, withPlainLineBreaks } from '@souk/platform/control-characters';
import { refuse } from '@souk/platform/errors';

export interface TextRule {
  field: string[];
  maximumLength: number;
  /** Line breaks and tabs are then allowed, and so is an empty text. */
  isLong?: boolean;
}

/**
 * A text that staff typed, trimmed and in Unicode's composed form. It is kept as text, whatever marks it may contain: who shows it escapes it.
 *
 * @throws {Refused} REQUIRED when it is blank; INVALID when it is too long or has control characters
 */
export function readText(typed: string, { field, maximumLength, isLong = false }: TextRule): string {
  const text = withPlainLineBreaks(typed).trim().normalize('NFC');
  if (text === '' && !isLong) refuse('REQUIRED', 'Expected a text, got none.', { field });
  const length = [...text].length;
  if (length > maximumLength) {
    refuse('INVALID', `Expected at most ${maximumLength} characters, got ${length}.`, { field });
  }
  const fault = controlCharacterFault(text, { hasLines: isLong });
  if (fault) refuse('INVALID', fault, { field });
  return text;
}

/** @throws {Refused} LIMIT_REACHED when a list is longer than it may be */
export function checkCount(list: readonly unknown[], maximum: number, field: string[]): void {
  if (list.length > maximum) refuse('LIMIT_REACHED', `Expected at most ${maximum}, got ${list.length}.`, { field });
}

/** A tag as it is compared: lower case, full-width forms replaced, single spaces. */
export function normaliseTag(tag: string): string {
  return tag.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
