import { describe, expect, it } from 'vitest';
import { editedFile } from './edit.ts';
import { guardEdits, guardNames } from './guards.ts';
import { pointEdits } from './points.ts';

const all = [...pointEdits, ...guardNames.flatMap((name) => guardEdits(name))];

describe('what is edited in processes under test', () => {
  it.each(Object.entries(Object.groupBy(all, ({ file }) => file)))('stands in %s once, word by word', (file, edits) => {
    expect(editedFile(file, edits ?? [])).not.toBe(editedFile(file, []));
  });
});
