import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { subgraphNames } from '@souk/schema/subgraphs';
import { generateMySQLDrizzleJson, generateMySQLMigration } from 'drizzle-kit/api';
import { describe, expect, it } from 'vitest';
import { root } from './workspaces.ts';

describe.each(subgraphNames)('the migrations of the %s subgraph', (name) => {
  const folder = join(root, 'subgraphs', name, 'migrations');

  it('lead to the tables in its tables.ts', async () => {
    const tables = (await import(join(root, 'subgraphs', name, 'src/tables.ts'))) as Record<string, unknown>;
    const newest =
      readdirSync(join(folder, 'meta'))
        .filter((file) => file.endsWith('_snapshot.json'))
        .sort()
        .at(-1) ?? '';
    const snapshot = JSON.parse(readFileSync(join(folder, 'meta', newest), 'utf8'));
    expect(await generateMySQLMigration(snapshot, await generateMySQLDrizzleJson(tables, snapshot.id))).toEqual([]);
  });

  it('say in their names what they do', () => {
    for (const file of readdirSync(folder).filter((entry) => entry.endsWith('.sql'))) {
      expect(file).toMatch(/^\d{4}_(create|add|drop|rename|index|change|fill|grant|seed)_[a-z_]+\.sql$/);
    }
  });
});
