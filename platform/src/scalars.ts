import { type DocumentNode, GraphQLError, GraphQLScalarType, Kind, parse, type ValueNode } from 'graphql';
import { isCurrency } from './money.ts';

/**
 * The scalars of the shop's schema. All travel as text. What a client sends is checked here, before any resolver runs, and refused with
 * BAD_USER_INPUT; what a resolver returns is checked too, so that a float or a `javascript:` link from bad data never leaves.
 */
export const scalarResolvers = {
  /** An instant, ISO 8601 (RFC 3339), given with any offset, returned in UTC with milliseconds. A `Date` in code. */
  DateTime: scalar('DateTime', 'an instant such as 2026-01-31T09:30:00Z', toInstant, (value) =>
    value instanceof Date ? value.toISOString() : toInstant(value)?.toISOString(),
  ),
  /** An exact decimal number. A string in code: never a float. */
  Decimal: scalar('Decimal', 'a decimal number as a string such as "19.90"', toDecimal),
  /** ISO 4217. */
  CurrencyCode: scalar('CurrencyCode', 'an ISO 4217 currency code such as EUR', (value) =>
    isText(value, 3) && isCurrency(value) ? value : undefined,
  ),
  /** An absolute http or https address, without credentials, in its normal form (WHATWG URL). */
  URL: scalar('URL', 'an http or https address such as https://example.com/a.png', toWebAddress, (value) =>
    toWebAddress(value instanceof URL ? value.href : value),
  ),
  /** An e-mail address as browsers accept it, trimmed, otherwise as given. */
  EmailAddress: scalar('EmailAddress', 'an e-mail address such as ann@example.com', toEmailAddress),
  /** ISO 3166-1, two capital letters. */
  CountryCode: scalar('CountryCode', 'an ISO 3166-1 country code such as DE', (value) =>
    isText(value, 2) && countryCodes.has(value) ? value : undefined,
  ),
  /** A language tag (BCP 47) in its canonical form. */
  Locale: scalar('Locale', 'a language tag such as en-GB', toLocale),
};

/**
 * The scalar resolvers that a schema declares, to spread into its resolvers.
 *
 * @throws {TypeError} when it declares a scalar that is not among ours: without a resolver graphql would let everything through
 */
export function scalarsFor(typeDefs: DocumentNode | string): Partial<typeof scalarResolvers> {
  const document = typeof typeDefs === 'string' ? parse(typeDefs, { noLocation: true }) : typeDefs;
  const names = document.definitions.flatMap((node) =>
    node.kind === Kind.SCALAR_TYPE_DEFINITION ? node.name.value : [],
  );
  const unknown = names.filter((name) => !Object.hasOwn(scalarResolvers, name));
  if (unknown.length > 0) throw new TypeError(`Expected scalars with a resolver, got ${unknown.join(', ')}.`);
  return Object.fromEntries(Object.entries(scalarResolvers).filter(([name]) => names.includes(name)));
}

/**
 * @param expected ends the sentence "Expected …"
 * @param read     a client's value to the value in code; undefined refuses it
 * @param write    a resolver's value to text; undefined refuses it. Default: the same check as `read`
 */
function scalar<Internal>(
  name: string,
  expected: string,
  read: (value: unknown) => Internal | undefined,
  write: (value: unknown) => string | undefined = (value) => read(value) as string | undefined,
): GraphQLScalarType<Internal, string> {
  const parseValue = (value: unknown, node?: ValueNode): Internal => {
    const internal = read(value);
    if (internal !== undefined) return internal;
    throw new GraphQLError(`Expected ${expected}.`, {
      nodes: node ?? null,
      extensions: { code: 'BAD_USER_INPUT', retryable: false },
    });
  };
  return new GraphQLScalarType<Internal, string>({
    name,
    parseValue: (value) => parseValue(value),
    parseLiteral: (node) => parseValue(node.kind === Kind.STRING ? node.value : undefined, node),
    serialize: (value) => {
      const text = write(value);
      if (text === undefined)
        throw new TypeError(`A resolver returned ${typeof value} for ${name}; expected ${expected}.`);
      return text;
    },
  });
}

function isText(value: unknown, maximumLength: number): value is string {
  return typeof value === 'string' && value.length <= maximumLength;
}

/** `Date` alone would take 30 February for 2 March, so the day is checked. Years are those that a DATETIME column holds. */
function toInstant(value: unknown): Date | undefined {
  if (!isText(value, 40)) return undefined;
  const [, year, month, day] = rfc3339.exec(value) ?? [];
  if (!year || Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return undefined;
  const instant = new Date(value);
  const inRange = instant.getUTCFullYear() >= 1000 && instant.getUTCFullYear() <= 9999;
  return inRange ? instant : undefined;
}

const rfc3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

function toDecimal(value: unknown): string | undefined {
  return isText(value, 40) && /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/.test(value) ? value : undefined;
}

function toWebAddress(value: unknown): string | undefined {
  if (!isText(value, 2_048) || !URL.canParse(value)) return undefined;
  const { protocol, username, password, href } = new URL(value);
  return ['http:', 'https:'].includes(protocol) && !username && !password ? href : undefined;
}

/** The rule of browsers (https://html.spec.whatwg.org/#valid-e-mail-address) with the length limits of RFC 5321, section 4.5.3.1. */
function toEmailAddress(value: unknown): string | undefined {
  const address = isText(value, 300) ? value.trim() : '';
  return address.length <= 254 && address.indexOf('@') <= 64 && emailAddress.test(address) ? address : undefined;
}

const emailAddress =
  /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i;

function toLocale(value: unknown): string | undefined {
  try {
    return isText(value, 35) ? new Intl.Locale(value).toString() : undefined;
  } catch {
    return undefined;
  }
}

/** The assigned codes, and XK, which ISO leaves to its users and everybody uses for Kosovo. */
const countryCodes: ReadonlySet<string> = new Set(
  `
  AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
  BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
  FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
  IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
  ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
  PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
  TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
  `
    .trim()
    .split(/\s+/),
);
