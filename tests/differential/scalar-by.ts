import type { Random } from '@souk/dev/seed/random';

/** A value of a scalar by chance, as a subgraph would send it. */
export function scalarBy(random: Random, scalar: string, texts: 'plain' | 'chinese' | 'awkward'): unknown {
  switch (scalar) {
    case 'Int':
      return random.pick(integers);
    case 'Float':
      return random.pick([...integers, ...fractions]);
    case 'Boolean':
      return random.chance(50);
    case 'ID':
      return `id-${random.integer(0, 99)}`;
    case 'Json':
      return anything(random, texts, 2);
    default:
      return random.pick(vocabularies[texts]);
  }
}

/** JSON of any shape, for scalars that stand for anything. */
function anything(random: Random, texts: keyof typeof vocabularies, depth: number): unknown {
  const shape = depth === 0 ? 'text' : random.pick(['text', 'number', 'truth', 'list', 'object'] as const);
  switch (shape) {
    case 'text':
      return random.pick(vocabularies[texts]);
    case 'number':
      return random.pick([...integers, ...fractions, 2 ** 53, 1e300]);
    case 'truth':
      return random.pick([true, false, null]);
    case 'list':
      return Array.from({ length: random.integer(0, 3) }, () => anything(random, texts, depth - 1));
    case 'object':
      return Object.fromEntries(
        random.some(memberNames, random.integer(0, 3)).map((name) => [name, anything(random, texts, depth - 1)]),
      );
  }
}

const integers = [0, 1, -1, 7, 42, 1_000, 2_147_483_647, -2_147_483_648];
const fractions = [0.1, -0.5, 1.5, 1e-7, 1e21, 5e-324, 1.7976931348623157e308, 123_456_789.123];
/** Names that count as numbers come first in an object, whenever they are written. */
const memberNames = ['a', 'b', '2', '1', '', '__proto__', 'constructor', 'über', '"'];

const plain = ['', 'a', 'oak', 'The long way round', 'RED', 'x'.repeat(300)];
const chinese = ['茶', '跑步鞋', '山行 Shanxing', '一二三四五六七八九十'.repeat(20), 'oak', ''];
const awkward = [
  ...plain,
  ...chinese,
  'a "quoted" word',
  'back\\slash',
  'line\nbreak\r\n\ttab',
  '\u0000\u0001\u001f\u007f\u0080',
  '\u2028\u2029',
  '😀 and 👩‍👩‍👧',
  '\ud800',
  'half \udc00 pair',
  '</script>',
  '{"data":null}',
  '\\u0041',
  '__proto__',
  'null',
  'ß Ünïcödé é',
];
const vocabularies = { plain, chinese, awkward };
