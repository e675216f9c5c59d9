import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './workspaces.ts';

/** What MySQL and MariaDB do not share, as it would look in our sources and migrations. */
const unportable: Record<string, RegExp> = {
  'RETURNING (MariaDB only)': /\bRETURNING\b|\.returning\(/,
  'FOR SHARE (MySQL only)': /\bFOR SHARE\b|\.for\('share'/,
  'MEMBER OF and JSON arrows (MySQL only)': /\bMEMBER OF\b|->>|`->/,
  'a row alias in an upsert (MySQL only)': /\bAS new\b/,
  'LATERAL, which relational queries need (MySQL only)': /\bLATERAL\b|\.query\.\w+\.find/,
  'ON UPDATE CURRENT_TIMESTAMP, written differently by each': /onUpdateNow|ON UPDATE CURRENT_TIMESTAMP/,
  'an n-gram parser (MySQL only)': /WITH PARSER/,
  'a collation of one of the two': /utf8mb4_0900|utf8mb4_uca1400/,
};

const files = globSync(['platform/src/**/*.ts', 'subgraphs/*/src/**/*.ts', 'subgraphs/*/migrations/*.sql'], {
  cwd: root,
}).filter((file) => !file.includes('generated') && !file.endsWith('.test.ts'));

describe('SQL that runs on MySQL and MariaDB alike', () => {
  it.each(Object.entries(unportable))('has no %s', (_, pattern) => {
    expect(files.length).toBeGreaterThan(50);
    expect(files.filter((file) => pattern.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
  });
});
