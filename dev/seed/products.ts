import { type Audience, type Kind, kinds } from './assortment.ts';
import { demoId } from './demo-id.ts';
import { after, DAY_MS, MINUTE_MS, OPENING_DAY } from './demo-time.ts';
import { brands } from './names.ts';
import { type DemoMedia, formsOf, mediaOf } from './product-forms.ts';
import { compose } from './product-title.ts';
import { type Currency, type DemoVariant, variantsOf } from './product-variants.ts';
import { type Bilingual, type Language, type Quality, qualities } from './qualities.ts';
import { type Random, randomFor } from './random.ts';

export interface DemoProduct {
  id: string;
  slug: string;
  title: string;
  description: string;
  status: 'DRAFT' | 'ACTIVE' | 'ARCHIVED';
  /** Slug of its kind, which is a category. */
  category: string;
  /** Slug of the brand. */
  brand: string | null;
  tags: string[];
  currencyCode: Currency;
  media: DemoMedia[];
  variants: DemoVariant[];
  createdAt: Date;
}

/**
 * The product with this number, always the same, whatever else is seeded. Kinds take turns, so that few products already show the whole shop;
 * of each kind every third product is Chinese.
 */
export function productAt(index: number): DemoProduct {
  const random = randomFor(`product ${index}`);
  const { kind, department } = kinds[index % kinds.length] as (typeof kinds)[number];
  const turn = Math.floor(index / kinds.length);
  const language: Language = turn % 3 === 1 ? 'zh' : 'en';
  const { title, slug, quality, audience } = compose(kind, language, turn);
  const createdAt = after(
    OPENING_DAY,
    random.integer(0, random.chance(70) ? 60 : 400) * DAY_MS + random.integer(0, 600) * MINUTE_MS,
  );
  const id = demoId('Product', createdAt, `${index}`);
  const makers = brands.filter((brand) => brand.language === language && brand.departments.includes(department.slug));

  const currencyCode = language === 'zh' && random.chance(60) ? 'CNY' : 'EUR';
  const forms = formsOf(kind, audience, random);
  const naming = { index, slug, title, language, createdAt };
  const media = mediaOf(naming, forms, random);
  return {
    id,
    slug,
    title,
    description: describe(kind, quality, language, random),
    status: index % 25 === 12 ? 'DRAFT' : index % 31 === 17 ? 'ARCHIVED' : 'ACTIVE',
    category: kind.slug,
    brand: random.chance(92) ? random.pick(makers).slug : null,
    tags: tagsOf(kind, audience, language, random),
    currencyCode,
    media: media.map(({ colour: _colour, ...picture }) => picture),
    variants: variantsOf({ ...naming, kind, audience, currencyCode }, forms, media, random),
    createdAt,
  };
}

function describe(kind: Kind, quality: Quality, language: Language, random: Random): string {
  const others = kind.qualities.map((name) => qualities[name]).filter((other) => other !== quality);
  const aside = random.pick(kind.kidsSizes ? careNotes : closingNotes);
  const sentences = [random.pick(kind.openings), quality.sentence, ...(random.chance(40) ? [aside] : [])];
  // A product may be two things at once, but not two materials; what it is named for comes first.
  const second = random.pick(others);
  if (combinable.has(second.word.en)) sentences.splice(2, 0, second.sentence);
  return sentences.map((sentence) => sentence[language]).join(language === 'zh' ? '' : ' ');
}

/** Qualities that contradict no other one. */
const combinable = new Set<string>(
  [
    qualities.breathable,
    qualities.soft,
    qualities.lightweight,
    qualities.dimmable,
    qualities.compact,
    qualities.foldable,
  ].map(({ word }) => word.en),
);

const careNotes: readonly Bilingual[] = [
  { en: 'True to size.', zh: '尺码标准，按平时码数选择即可。' },
  { en: 'If you are between two sizes, take the larger one.', zh: '介于两码之间，建议选大一码。' },
];
const closingNotes: readonly Bilingual[] = [
  { en: 'Comes in a box you will want to keep.', zh: '精美礼盒包装，自用送礼皆宜。' },
  { en: 'Made in small batches.', zh: '小批量制作，每批限量。' },
];

function tagsOf(kind: Kind, audience: Audience | null, language: Language, random: Random): string[] {
  const tags = [...kind.tags, ...(audience ? [audience.tag] : []), ...(random.chance(25) ? [random.pick(labels)] : [])];
  return [...new Set(tags.map((tag) => tag[language]))];
}

const labels: readonly Bilingual[] = [
  { en: 'new', zh: '新品' },
  { en: 'bestseller', zh: '热卖' },
  { en: 'sale', zh: '特价' },
];
