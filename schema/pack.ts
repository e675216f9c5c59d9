import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * `npm run pack -w @souk/schema`: packs the command for other repositories, as `souk-schema-<version>.tgz` in the folder `dist/`. Node does not run
 * TypeScript from `node_modules`, and the packages of this project are nowhere to be installed from, so everything is bundled but graphql, of which
 * there must be one copy.
 */
const folder = join(import.meta.dirname, 'dist');
const manifest = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
await build({
  entryPoints: [join(import.meta.dirname, 'main.ts')],
  outdir: join(folder, 'package'),
  bundle: true,
  splitting: true,
  minify: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  mainFields: ['main', 'module'],
  outExtension: { '.js': '.mjs' },
  external: ['graphql', 'graphql/*'],
  // Libraries that are CommonJS ask for Node's own modules by require.
  banner: {
    js: "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);",
  },
  logLevel: 'error',
});
chmodSync(join(folder, 'package/main.mjs'), 0o755);
writeFileSync(join(folder, 'package/package.json'), `${JSON.stringify(packed(manifest), null, 2)}\n`);
writeFileSync(join(folder, 'package/LICENSE'), readFileSync(join(import.meta.dirname, '../LICENSE')));
process.stdout.write(
  execFileSync('npm', ['pack', './package'], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
);

function packed({ version, dependencies }: { version: string; dependencies: Record<string, string> }) {
  return {
    name: 'souk-schema',
    version,
    description: 'Checks changes of a federated GraphQL schema, and publishes them to a registry',
    license: 'MIT',
    type: 'module',
    engines: { node: '>=22.18' },
    bin: { 'souk-schema': './main.mjs' },
    dependencies: { graphql: dependencies['graphql'] },
  };
}
