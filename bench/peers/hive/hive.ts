import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { useDeduplicateRequest } from '@graphql-hive/plugin-deduplicate-request';
import { unifiedGraphHandler } from '@graphql-hive/router-runtime';

/** Hive Gateway as its manual starts it, or at its fastest. Told a port, the file of a supergraph, and `default` or `rust`. */
const [port = '', supergraphFile = '', mode = ''] = process.argv.slice(2);
const supergraph = readFileSync(supergraphFile, 'utf8');
const fastest = { unifiedGraphHandler, plugins: () => [useDeduplicateRequest()] };
const gateway = createGatewayRuntime({ supergraph, logging: false, ...(mode === 'rust' ? fastest : {}) });
createServer(gateway).listen(Number(port), '127.0.0.1');
