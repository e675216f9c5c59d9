import { type Refusal, Refused } from '@souk/platform/errors';
import { typedText } from '@souk/platform/typed-text';

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
  const texts = Object.entries(rules).map(([name, { maximumLength, optional = false }]) => {
    const rule = { field: [...path, name], maximumLength, isRequired: !optional };
    return [name, typedText(input[name], rule, refusals)];
  });
  if (refusals.length > 0) throw new Refused(refusals);
  return Object.fromEntries(texts) as Read<Rules>;
}
