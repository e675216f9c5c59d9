import { refuse, SoukError } from '@souk/platform/errors';
import { parseId } from '@souk/platform/id';
import { type Amount, type Money, parseMoney } from '@souk/platform/money';
import { requiredText } from '@souk/platform/typed-text';
import type { SelectedOption } from './tables.ts';
import { checkCount } from './text-input.ts';

/** A variant as staff give it. */
export interface VariantInput {
  id?: string | null | undefined;
  sku: string;
  title?: string | null | undefined;
  price: Money;
  compareAtPrice?: Money | null | undefined;
  selectedOptions?: readonly SelectedOption[] | null | undefined;
  initialStock?: number | null | undefined;
}

/** A variant that may be stored. */
export interface VariantDraft {
  id: string | null;
  sku: string;
  /** Null: called like the product. */
  title: string | null;
  priceMinor: bigint;
  compareAtPriceMinor: bigint | null;
  currencyCode: string;
  selectedOptions: SelectedOption[];
  initialStock: number;
}

const MAX_VARIANTS = 100;
const MAX_OPTIONS = 3;
const MAX_OPTION_VALUES = 50;
export const MAX_STOCK = 1_000_000_000;
/** A hundred lines of a thousand pieces each still add up to less than a BIGINT holds. */
const MAX_PRICE_MINOR = 10n ** 13n;

/**
 * The variants of a product, each checked by itself and against the others.
 *
 * @throws {Refused} with the path of the first fault
 */
export function readVariants(inputs: readonly VariantInput[]): VariantDraft[] {
  const field = ['input', 'variants'];
  if (inputs.length === 0) refuse('REQUIRED', 'Expected at least one variant, got none.', { field });
  checkCount(inputs, MAX_VARIANTS, field);
  const drafts = inputs.map((input, index) => readVariant(input, [...field, String(index)]));
  for (const [index, draft] of drafts.entries()) {
    compareWithOthers(draft, drafts.slice(0, index), drafts[0] ?? draft, [...field, String(index)]);
  }
  for (const { name } of drafts[0]?.selectedOptions ?? []) {
    const values = new Set(drafts.map(({ selectedOptions }) => chosenValue(selectedOptions, name)));
    checkCount([...values], MAX_OPTION_VALUES, field);
  }
  return drafts;
}

function readVariant(input: VariantInput, field: string[]): VariantDraft {
  const { amountMinor: priceMinor, currencyCode } = readPrice(input.price, [...field, 'price']);
  const selectedOptions = readOptions(input.selectedOptions ?? [], [...field, 'selectedOptions']);
  const compareAt = input.compareAtPrice ? readPrice(input.compareAtPrice, [...field, 'compareAtPrice']) : null;
  if (compareAt && compareAt.currencyCode !== currencyCode) {
    refuse('CURRENCY_MISMATCH', `Expected ${currencyCode} as in the price, got ${compareAt.currencyCode}.`, {
      field: [...field, 'compareAtPrice'],
    });
  }
  return {
    id: input.id ? parseId('ProductVariant', input.id) : null,
    sku: readSku(input.sku, [...field, 'sku']),
    title: input.title
      ? requiredText(input.title, { field: [...field, 'title'], maximumLength: 200 })
      : [...selectedOptions.map(({ value }) => value).join(' / ')].slice(0, 200).join('') || null,
    priceMinor,
    compareAtPriceMinor: compareAt?.amountMinor ?? null,
    currencyCode,
    selectedOptions,
    initialStock: readStock(input.initialStock ?? 0, [...field, 'initialStock']),
  };
}

function readPrice(price: Money, field: string[]): Amount {
  let amount: Amount;
  try {
    amount = parseMoney(price);
  } catch (error) {
    if (error instanceof SoukError) return refuse('INVALID', error.message, { field });
    throw error;
  }
  if (amount.amountMinor > MAX_PRICE_MINOR) refuse('INVALID', 'This is more than anything may cost.', { field });
  return amount;
}

/** Whether a text may be an article number at all; one that may not is looked up nowhere. */
export function isSku(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/.test(text);
}

function readSku(sku: string, field: string[]): string {
  const trimmed = sku.trim();
  if (isSku(trimmed)) return trimmed;
  return refuse('INVALID', 'Expected an article number of up to 64 letters, digits, dots, slashes and hyphens.', {
    field,
  });
}

function readStock(count: number, field: string[]): number {
  if (count >= 0 && count <= MAX_STOCK) return count;
  return refuse('INVALID', `Expected from 0 to ${MAX_STOCK} pieces, got ${count}.`, { field });
}

function readOptions(inputs: readonly SelectedOption[], field: string[]): SelectedOption[] {
  checkCount(inputs, MAX_OPTIONS, field);
  const options = inputs.map(({ name, value }, index) => ({
    name: requiredText(name, { field: [...field, String(index), 'name'], maximumLength: 40 }),
    value: requiredText(value, { field: [...field, String(index), 'value'], maximumLength: 100 }),
  }));
  if (new Set(options.map(({ name }) => name)).size < options.length) {
    refuse('OPTIONS_CONFLICT', 'Expected each option once in a variant.', { field });
  }
  return options;
}

function compareWithOthers(
  draft: VariantDraft,
  earlier: readonly VariantDraft[],
  first: VariantDraft,
  field: string[],
) {
  if (draft.currencyCode !== first.currencyCode) {
    refuse('CURRENCY_MISMATCH', `Expected ${first.currencyCode} as in the first variant, got ${draft.currencyCode}.`, {
      field: [...field, 'price', 'currencyCode'],
    });
  }
  if (earlier.some(({ sku }) => sku === draft.sku)) {
    refuse('SKU_TAKEN', `Expected each article number once, got ${draft.sku} twice.`, { field: [...field, 'sku'] });
  }
  if (draft.id !== null && earlier.some(({ id }) => id === draft.id)) {
    refuse('INVALID', 'Expected each variant once.', { field: [...field, 'id'] });
  }
  const conflicting =
    namesOf(draft.selectedOptions) !== namesOf(first.selectedOptions) ||
    earlier.some((other) => choiceOf(other.selectedOptions) === choiceOf(draft.selectedOptions));
  if (conflicting) {
    refuse(
      'OPTIONS_CONFLICT',
      'Expected the same options in every variant, and no two variants with the same values.',
      {
        field: [...field, 'selectedOptions'],
      },
    );
  }
}

const namesOf = (options: readonly SelectedOption[]) => JSON.stringify(options.map(({ name }) => name).sort());
const choiceOf = (options: readonly SelectedOption[]) =>
  JSON.stringify(options.map(({ name, value }) => [name, value]).sort());
const chosenValue = (options: readonly SelectedOption[], wanted: string) =>
  options.find(({ name }) => name === wanted)?.value;

/** What a customer chooses between: every option with all values in use, in the order of the variants. */
export function optionsOf(variants: readonly { selectedOptions: readonly SelectedOption[] }[]) {
  const values = new Map<string, Set<string>>();
  for (const { name, value } of variants.flatMap(({ selectedOptions }) => selectedOptions)) {
    values.set(name, (values.get(name) ?? new Set()).add(value));
  }
  return [...values].map(([name, used]) => ({ name, values: [...used] }));
}
