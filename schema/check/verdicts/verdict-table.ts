import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { FieldUsage, RegisteredOperation } from '../evidence.ts';
import { checkEdits, type Edits, registered } from '../test-graph.ts';

/** What is written instead of what, what clients do, and every change that the check finds: `verdict KIND coordinate`. */
export type Row = [title: string, edits: Edits, clients: (RegisteredOperation | FieldUsage)[], changes: string[]];

export const readOrder = registered('query ReadOrder { order(id: "1") { status note total { amount } } }');
export const readProduct = registered(
  'query ReadProduct { product(id: "1") { title price { amount } state subtitle } }',
);
export const readWeight = registered('query ReadWeight { product(id: "1") { weight } }');
export const find = registered(
  'query Find($text: String) { found(text: $text) { ... on Product { title } ... on Brand { label } } }',
);
export const findKinds = registered('query FindKinds($kinds: [Kind!]) { found(kinds: $kinds) { __typename } }');
export const readItem = registered('query ReadItem { item(id: "1") { label ... on Brand { country } } }');
export const place = registered('mutation Place($input: OrderPlaceInput!) { orderPlace(input: $input) { id } }');
export const placeWritten = registered(
  'mutation PlaceWritten($id: ID!) { orderPlace(input: { cartId: $id, speed: FAST }) { id } }',
);
export const readViewer = registered('query ReadViewer { viewer { name } }');
export const update = registered(
  'mutation Update($input: ProductUpdateInput!) { productUpdate(input: $input) { id } }',
  'admin',
);
export const signIn = registered('mutation SignIn { signIn(password: "x") }');

/** One test for each row of a table. */
export function testVerdicts(rows: Row[]): void {
  it.each(rows)('%s', async (_case, edits, clients, expected) => {
    const operations = clients.filter((client) => 'body' in client);
    const usage = clients.filter((client) => 'coordinate' in client);
    const report = await checkEdits(edits, { operations, usage, cacheFolder });
    const found = [
      ...report.changes.map(({ verdict, kind, coordinate }) => `${verdict} ${kind} ${coordinate}`),
      ...new Set(report.composition.map(({ code }) => `COMPOSITION ${code}`)),
    ];
    expect(found.sort()).toEqual(expected.sort());
  });
}

/** Rows that change the same compose once. */
const cacheFolder = mkdtempSync(join(tmpdir(), 'souk-verdicts-'));
afterAll(() => rmSync(cacheFolder, { recursive: true }));
