import { controlCharacterFault } from '@souk/platform/control-characters';
import { type Refusal, Refused } from '@souk/platform/errors';

/** What a text in an input may be. */
export interface TextRule {
  maximumLength: number;
  /** Missing, null and blank are then allowed, and read as null. */
  optional?: boolean;
}

type Read<Rules extends Record<string, TextRule>> = {
  [Name in keyof Rules]: Rules[Name] extends { optional: true } ? string | null : string;
};

/**
 * Reads texts of an input: trimmed, and checked against their rules. Every fault is reported, each with its path.
 *
 * @throws {Refused} INVALID for a text that is too long or has control characters, REQUIRED for one that is missing
 */
export function readTexts<const Rules extends Record<string, TextRule>>(
  path: readonly string[],
  input: { readonly [Name in keyof Rules]?: string | null | undefined },
  rules: Rules,
): Read<Rules> {
  const refusals: Refusal[] = [];
  const texts = Object.entries(rules).map(([name, rule]) => {
    const text = input[name]?.trim().normalize('NFC') || null;
    const fault = faultOf(text, rule);
    if (fault) refusals.push({ ...fault, field: [...path, name] });
    return [name, text];
  });
  if (refusals.length > 0) throw new Refused(refusals);
  return Object.fromEntries(texts) as Read<Rules>;
}

function faultOf(text: string | null, { maximumLength, optional = false }: TextRule): Refusal | undefined {
  if (text === null) return optional ? undefined : { code: 'REQUIRED', message: 'Expected a text, got none.' };
  if ([...text].length > maximumLength) {
    return { code: 'INVALID', message: `Expected at most ${maximumLength} characters, got ${[...text].length}.` };
  }
  const message = controlCharacterFault(text);
  return message ? { code: 'INVALID', message } : undefined;
}
