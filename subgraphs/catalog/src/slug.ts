import { refuse } from '@souk/platform/errors';
import { fold } from './search-terms.ts';

export const MAX_SLUG_LENGTH = 120;

/** Whether a text may be a slug at all; one that may not is looked up nowhere. */
export function isSlug(text: string): boolean {
  return text.length <= MAX_SLUG_LENGTH && /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text);
}

/** A slug that staff chose. @throws {Refused} INVALID */
export function checkSlug(slug: string): string {
  if (isSlug(slug)) return slug;
  return refuse(
    'INVALID',
    `Expected a slug of up to ${MAX_SLUG_LENGTH} lower-case letters a–z, digits and single hyphens, such as linen-shirt.`,
    { field: ['input', 'slug'] },
  );
}

/**
 * A slug for a title: `Crème brûlée (6×)` becomes `creme-brulee-6`. What Latin letters cannot say is left out, and the end of the id makes up for it,
 * so that two Chinese titles do not meet.
 */
export function slugOf(title: string, id: string): string {
  const folded = fold(title);
  const slug = hyphenated(folded);
  const isComplete = !/[^\p{Script=Latin}\P{L}]/u.test(folded) && slug !== '';
  return isComplete ? slug : slugWithId(title, id);
}

/** The same, when another product has the plain one. */
export function slugWithId(title: string, id: string): string {
  return [hyphenated(fold(title)) || 'product', id.slice(-8)].join('-');
}

function hyphenated(text: string): string {
  const slug = text.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
  return slug.slice(0, MAX_SLUG_LENGTH - 9).replace(/-$/, '');
}
