import { type Audience, colours, type Kind, type SizeOption, sizes } from './assortment.ts';
import { demoId } from './demo-id.ts';
import { slugOf } from './names.ts';
import type { Bilingual, Language } from './qualities.ts';
import type { Random } from './random.ts';

/** One form a product is sold in: what is chosen, and what that does to the price. */
export interface Form {
  size: SizeOption['values'][number] | null;
  colour: Bilingual | null;
}

export function formsOf(kind: Kind, audience: Audience | null, random: Random): Form[] {
  const option = sizeOptionOf(kind, audience);
  const chosenSizes = option ? chooseSizes(option, audience !== null, random) : [null];
  const chosenColours = kind.hasColours ? random.some(colours, random.integer(1, option ? 2 : 4)) : [null];
  const isOnlyOne = chosenSizes.length * chosenColours.length === 1;
  return isOnlyOne
    ? [{ size: null, colour: null }]
    : chosenColours.flatMap((colour) => chosenSizes.map((size) => ({ size, colour })));
}

export function sizeOptionOf(kind: Kind, audience: Audience | null): SizeOption | null {
  const name = audience?.isForKids ? kind.kidsSizes : kind.sizes;
  return name && sizes[name];
}

/** Clothes come in a run of sizes; other things in the smallest and what follows it. */
function chooseSizes({ values }: SizeOption, isWorn: boolean, random: Random): SizeOption['values'] {
  if (!isWorn) return values.slice(0, random.integer(2, values.length));
  const count = random.integer(3, 5);
  const from = random.integer(0, values.length - count);
  return values.slice(from, from + count);
}

/** A product as far as it is known before its forms are. */
export interface Naming {
  index: number;
  slug: string;
  title: string;
  language: Language;
  createdAt: Date;
}

export interface DemoMedia {
  id: string;
  /** Its address, below the place where all pictures are served. */
  path: string;
  altText: string;
}

export interface ColouredMedia extends DemoMedia {
  colour: Bilingual | null;
}

/** A picture for each colour; without colours, one to three views. */
export function mediaOf(
  { index, slug, title, language, createdAt }: Naming,
  forms: readonly Form[],
  random: Random,
): ColouredMedia[] {
  const picture = (name: string, altText: string, colour: Bilingual | null) => ({
    id: demoId('Media', createdAt, `${index} ${name}`),
    path: `${slug}-${name}.svg`,
    altText,
    colour,
  });
  const inColours = [...new Set(forms.map(({ colour }) => colour))].filter((colour) => colour !== null);
  const comma = language === 'zh' ? '，' : ', ';
  if (inColours.length > 0) {
    return inColours.map((colour) => picture(slugOf(colour.en), `${title}${comma}${colour[language]}`, colour));
  }
  return Array.from({ length: random.integer(1, 3) }, (_, view) => picture(String(view + 1), title, null));
}
