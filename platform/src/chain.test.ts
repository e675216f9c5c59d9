import { expect, it } from 'vitest';
import { Chain, Link } from './chain.ts';

class Named extends Link {
  readonly name: string;
  constructor(name: string) {
    super();
    this.name = name;
  }
}

const a = new Named('a');
const b = new Named('b');
const c = new Named('c');

it('has its members in the order in which they came, and those that have left no more', () => {
  const chain = new Chain<Named>();
  const names = () => chain.members().map(({ name }) => name);
  expect(chain.isEmpty).toBe(true);
  for (const each of [a, b, c]) chain.add(each);
  expect(chain.isEmpty).toBe(false);
  expect(names()).toEqual(['a', 'b', 'c']);
  b.unlink();
  b.unlink();
  expect(names()).toEqual(['a', 'c']);
  chain.add(b);
  expect(names()).toEqual(['a', 'c', 'b']);
  for (const each of [c, a, b]) each.unlink();
  expect(chain.isEmpty).toBe(true);
  expect(names()).toEqual([]);
});

it('gives the members of one moment, whoever leaves while they are looked at', () => {
  const chain = new Chain<Named>();
  for (const each of [a, b, c]) chain.add(each);
  for (const each of chain.members()) for (const other of [a, b, c]) if (other !== each) other.unlink();
  expect(chain.members()).toEqual([]);
});
