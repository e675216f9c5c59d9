import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSchema, parse, validate } from 'graphql';
import { expect, it } from 'vitest';
import { FIRST_QUERY } from './report.ts';
import { root } from './workspaces.ts';

it('the query to paste is one the storefront answers', () => {
  const storefront = buildSchema(readFileSync(join(root, 'schema/api/storefront.graphql'), 'utf8'));
  expect(validate(storefront, parse(FIRST_QUERY))).toEqual([]);
});
