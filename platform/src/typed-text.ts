import { controlCharacterFault, withPlainLineBreaks } from './control-characters.ts';
import { type Refusal, Refused } from './errors.ts';

/** What a text in an input may be. */
export interface TextRule {
  /** Its path in the input. */
  field: string[];
  /** In characters, not in bytes or UTF-16 units. */
  maximumLength: number;
  isRequired?: boolean;
  /** Line breaks and tabs are then allowed. */
  hasLines?: boolean;
}

/**
 * A text that somebody typed, which is kept and shown to others: without space around it, in Unicode's composed form, with every line break as one `\n`. It is
 * kept as text, whatever marks it may contain: who shows it escapes it.
 *
 * @param refusals takes what is wrong with the text, so that a form hears of all its faults at once. Without it, the first fault is thrown
 * @returns null when nothing is left of it
 * @throws {Refused} REQUIRED when it is blank and must not be; INVALID when it is too long or has control characters
 */
export function typedText(value: string | null | undefined, rule: TextRule, refusals?: Refusal[]): string | null {
  const text = withPlainLineBreaks(value ?? '')
    .trim()
    .normalize('NFC');
  const fault = faultOf(text, rule);
  if (fault && !refusals) throw new Refused([fault]);
  if (fault) refusals?.push(fault);
  return text === '' ? null : text;
}

/** The same for a text that has to be there. */
export function requiredText(
  value: string | null | undefined,
  rule: Omit<TextRule, 'isRequired'>,
  refusals?: Refusal[],
): string {
  return typedText(value, { ...rule, isRequired: true }, refusals) ?? '';
}

function faultOf(
  text: string,
  { field, maximumLength, isRequired = false, hasLines = false }: TextRule,
): Refusal | undefined {
  if (text === '') {
    return isRequired ? { code: 'REQUIRED', field, message: 'Expected a text, got none.' } : undefined;
  }
  const length = [...text].length;
  const message =
    length > maximumLength
      ? `Expected at most ${maximumLength} characters, got ${length}.`
      : controlCharacterFault(text, { hasLines });
  return message ? { code: 'INVALID', field, message } : undefined;
}
