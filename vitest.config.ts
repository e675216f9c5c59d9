import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

// Two copies of graphql cannot recognise each other's schemas, and Vite would load the ES module beside the CommonJS one that libraries load.
const oneGraphql = [
  { find: /^graphql$/, replacement: fileURLToPath(new URL('node_modules/graphql/index.js', import.meta.url)) },
];

const project = (name: string, test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration => ({
  resolve: { alias: oneGraphql },
  test: { name, setupFiles: ['dev/test-patience.ts'], ...test },
});

export default defineConfig({
  test: {
    // One MySQL and one Redis for the whole run; every test file takes databases of its own from them.
    globalSetup: ['dev/test-stores.ts'],
    projects: [
      project('unit', {
        // The checks of invariants need databases and no shop; comparing gateways, and whether faults can still be planted, needs neither.
        include: [
          '{schema,platform,gateway,dev,bench,subgraphs/*,tests/invariants,tests/differential}/**/*.test.ts',
          'tests/faults/{edit,history}.test.ts',
        ],
        testTimeout: 15_000,
        hookTimeout: 30_000,
        // What they test is imported once by each worker, not once by each file: that took longer than the tests.
        isolate: false,
        // Vitest would leave one core to itself, which has nothing to do meanwhile.
        maxWorkers: '100%',
      }),
      project('system', {
        include: ['tests/**/*.test.ts'],
        exclude: [...configDefaults.exclude, 'tests/{invariants,differential,faults}/**'],
        globalSetup: ['tests/global-shop.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
        // They share a shop that keeps every core busy, and some start another: one at a time is faster than several starved ones.
        fileParallelism: false,
        // After the others, because these measure how long things take.
        sequence: { groupOrder: 1 },
      }),
      project('faults', {
        // Each starts a shop of its own and breaks it.
        include: ['tests/faults/**/*.test.ts'],
        exclude: [...configDefaults.exclude, 'tests/faults/{edit,history}.test.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
        sequence: { groupOrder: 2 },
      }),
    ],
  },
});
