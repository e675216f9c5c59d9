import { requiredText, typedText } from '@souk/platform/typed-text';
import { checkSlug } from './slug.ts';
import type { MediaRow, ProductRow } from './tables.ts';
import { checkCount, normaliseTag } from './text-input.ts';
import { readVariants, type VariantDraft, type VariantInput } from './variant-draft.ts';

/** What staff write about a product. Absent values stay as they are; a new product needs title, description and variants. */
export interface ProductInput {
  title?: string | null | undefined;
  slug?: string | null | undefined;
  description?: string | null | undefined;
  tags?: readonly string[] | null | undefined;
  status?: ProductRow['status'] | null | undefined;
  variants?: readonly VariantInput[] | null | undefined;
  media?: readonly MediaInput[] | null | undefined;
}

export interface MediaInput {
  url: string;
  altText?: string | null | undefined;
  kind?: MediaRow['kind'] | null | undefined;
}

export type MediaDraft = Pick<MediaRow, 'url' | 'altText' | 'kind'>;

/** The same, checked; undefined stays as it is. */
export interface ProductDraft {
  title: string | undefined;
  slug: string | undefined;
  description: string | undefined;
  tags: string[] | undefined;
  status: ProductRow['status'] | undefined;
  variants: VariantDraft[] | undefined;
  media: MediaDraft[] | undefined;
}

const MAX_TAGS = 20;
const MAX_MEDIA = 20;

/** @throws {Refused} with the path of the first fault */
export function readProduct({ title, slug, description, tags, status, variants, media }: ProductInput): ProductDraft {
  return {
    title:
      typeof title === 'string' ? requiredText(title, { field: ['input', 'title'], maximumLength: 200 }) : undefined,
    slug: typeof slug === 'string' ? checkSlug(slug) : undefined,
    description:
      typeof description === 'string'
        ? (typedText(description, { field: ['input', 'description'], maximumLength: 20_000, hasLines: true }) ?? '')
        : undefined,
    tags: tags ? readTags(tags) : undefined,
    status: status ?? undefined,
    variants: variants ? readVariants(variants) : undefined,
    media: media ? readMedia(media) : undefined,
  };
}

function readTags(tags: readonly string[]): string[] {
  const field = ['input', 'tags'];
  checkCount(tags, MAX_TAGS, field);
  const read = tags.map((tag, index) =>
    requiredText(normaliseTag(tag), { field: [...field, String(index)], maximumLength: 40 }),
  );
  return [...new Set(read)];
}

function readMedia(inputs: readonly MediaInput[]): MediaDraft[] {
  const field = ['input', 'media'];
  checkCount(inputs, MAX_MEDIA, field);
  return inputs.map(({ url, altText, kind }, index) => ({
    url,
    altText: typedText(altText, { field: [...field, String(index), 'altText'], maximumLength: 500 }),
    kind: kind ?? 'IMAGE',
  }));
}
