import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { listCosts, type OperationCost } from './src/list-costs.ts';
import { readManifest } from './src/manifest.ts';

/**
 * Lists operations by what they are estimated to cost and by how many requests to subgraphs their plans make: those registered for both contracts, or those
 * in the files given, which are documents (.graphql) or manifests (.json). `--admin` takes the files as meant for staff.
 */
function main(): void {
  const { values, positionals: files } = parseArgs({ options: { admin: { type: 'boolean' } }, allowPositionals: true });
  if (files.length > 0) {
    list(values.admin ? 'admin' : 'storefront', files);
  } else {
    list('storefront', [schemaFile('manifests/storefront.json')]);
    list('admin', [schemaFile('manifests/admin.json')]);
  }
}

function list(contract: 'storefront' | 'admin', files: string[]): void {
  const supergraph = readFileSync(schemaFile(`gateway/${contract}.graphql`), 'utf8');
  print(contract, listCosts(supergraph, files.flatMap(textsIn)));
}

function textsIn(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return file.endsWith('.json') ? [...readManifest(text).byText.keys()] : [text];
}

function print(contract: string, costs: OperationCost[]): void {
  const row = (cells: (string | number)[]) => {
    const [cost = '', requests = '', name = ''] = cells;
    process.stdout.write(`${String(cost).padStart(8)}  ${String(requests).padStart(8)}  ${name}\n`);
  };
  process.stdout.write(`${contract}\n`);
  row(['cost', 'requests', 'operation']);
  for (const { cost, subgraphRequests, name } of costs) row([cost, subgraphRequests, name]);
}

function schemaFile(file: string): string {
  return new URL(`../schema/${file}`, import.meta.url).pathname;
}

main();
