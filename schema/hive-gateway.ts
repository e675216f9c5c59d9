import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * `node schema/hive-gateway.ts`: whether Hive Gateway runs the committed supergraph. It installs the gateway (60 MB, and so no dependency of this
 * project) into a folder of its own, asks for something that takes two subgraphs, which are played, and compares the answer.
 */
const RUNTIME_VERSION = '2.12.1';

const script = `
import { readFileSync } from 'node:fs';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';

const answers = {
  order: { order: { __typename: 'Order', id: 'ordr_1', number: 'SK-1', customer: { __typename: 'User', id: 'user_1' } } },
  user: { _entities: [{ __typename: 'User', id: 'user_1', displayName: 'Noor' }] },
};
const asked = [];
const gateway = createGatewayRuntime({
  supergraph: readFileSync(process.argv[2], 'utf8'),
  logging: false,
  transports: {
    http: {
      getSubgraphExecutor: ({ subgraphName }) => async () => {
        asked.push(subgraphName);
        return { data: answers[subgraphName] };
      },
    },
  },
});
const response = await gateway.fetch('http://gateway/graphql', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ order(id: "ordr_1") { number customer { displayName } } }' }),
});
console.log(JSON.stringify({ asked: [...new Set(asked)].sort(), answer: await response.json() }));
process.exit(0);
`;

const expected = {
  asked: ['order', 'user'],
  answer: { data: { order: { number: 'SK-1', customer: { displayName: 'Noor' } } } },
};

const folder = mkdtempSync(join(tmpdir(), 'souk-hive-gateway-'));
try {
  const dependencies = { '@graphql-hive/gateway-runtime': RUNTIME_VERSION, graphql: '16.15.0' };
  // A package that the runtime asks for is not everywhere in the version it asks for.
  const overrides = { '@graphql-tools/batch-execute': '10.2.0', graphql: '16.15.0' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies, overrides }));
  execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  writeFileSync(join(folder, 'ask.mjs'), script);
  const supergraph = join(import.meta.dirname, 'supergraph.graphql');
  const got = execFileSync(process.execPath, ['ask.mjs', supergraph], { cwd: folder, encoding: 'utf8' }).trim();
  const fits = got === JSON.stringify(expected);
  process.stdout.write(
    fits ? 'Hive Gateway runs the supergraph.\n' : `Expected ${JSON.stringify(expected)}, got ${got}\n`,
  );
  process.exitCode = fits ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
