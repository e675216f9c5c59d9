import { type Audience, colourOption, type Kind } from './assortment.ts';
import { demoId } from './demo-id.ts';
import { type ColouredMedia, type Form, type Naming, sizeOptionOf } from './product-forms.ts';
import type { Random } from './random.ts';

export type Currency = 'EUR' | 'CNY';

export interface DemoVariant {
  id: string;
  sku: string;
  title: string;
  selectedOptions: { name: string; value: string }[];
  priceMinor: bigint;
  compareAtPriceMinor: bigint | null;
  imageId: string | null;
  stock: DemoStock;
}

/** What the stock of a variant comes to in the end. How much was received follows from this and from the orders. */
export interface DemoStock {
  available: number;
  correction: { quantity: number; reason: string } | null;
}

interface PricedNaming extends Naming {
  kind: Kind;
  audience: Audience | null;
  currencyCode: Currency;
}

export function variantsOf(
  { index, kind, audience, title, language, currencyCode, createdAt }: PricedNaming,
  forms: readonly Form[],
  media: readonly ColouredMedia[],
  random: Random,
): DemoVariant[] {
  const sizeName = sizeOptionOf(kind, audience)?.name[language];
  const [lowest, highest] = kind.euros;
  const euros = random.integer(lowest, highest) * (audience?.isForKids ? 0.6 : 1);
  const ending = random.pick(endings);
  const isReduced = random.chance(18);
  const reducedFrom = random.integer(120, 150);
  const isSoldOut = random.chance(4);

  return forms.map(({ size, colour }, position) => {
    const selectedOptions = [
      ...(size && sizeName ? [{ name: sizeName, value: size.label[language] }] : []),
      ...(colour ? [{ name: colourOption[language], value: colour[language] }] : []),
    ];
    const percent = size?.percentOfPrice ?? 100;
    const price = (percentOfEuros: number) => priceOf((euros * percentOfEuros) / 100, ending, currencyCode);
    return {
      id: demoId('ProductVariant', createdAt, `${index} ${position}`),
      sku: `${kind.code}-${String(index + 1).padStart(5, '0')}-${String(position + 1).padStart(2, '0')}`,
      title: selectedOptions.map(({ value }) => value).join(' / ') || title,
      selectedOptions,
      priceMinor: price(percent),
      compareAtPriceMinor: isReduced ? price((percent * reducedFrom) / 100) : null,
      imageId: colour ? (media.find((picture) => picture.colour === colour)?.id ?? null) : null,
      stock: isSoldOut ? soldOut(random) : stockOf(random),
    };
  });
}

/** Cents that a price in euros may end with. */
const endings = [0, 50, 90, 95, 99];
const YUAN_PER_EURO = 7.6;

function priceOf(euros: number, ending: number, currencyCode: Currency): bigint {
  if (currencyCode === 'EUR') return BigInt(Math.max(1, Math.ceil(euros)) * 100 - ((100 - ending) % 100));
  // Prices in yuan like to end with an eight or a nine.
  const tens = Math.floor((euros * YUAN_PER_EURO) / 10);
  return BigInt(tens * 10 + (ending < 90 ? 8 : 9)) * 100n;
}

function stockOf(random: Random): DemoStock {
  if (random.chance(6)) return soldOut(random);
  if (random.chance(15)) return { available: random.integer(1, 5), correction: null };
  return { available: random.integer(8, 160), correction: random.chance(10) ? random.pick(corrections) : null };
}

function soldOut(random: Random): DemoStock {
  return { available: 0, correction: { quantity: -random.integer(3, 30), reason: 'Sold at the market stall.' } };
}

const corrections: readonly NonNullable<DemoStock['correction']>[] = [
  { quantity: -1, reason: 'Damaged in the warehouse.' },
  { quantity: -2, reason: 'Missing when counted.' },
  { quantity: 1, reason: 'Found when counted.' },
  { quantity: 2, reason: 'Miscounted at delivery.' },
];
