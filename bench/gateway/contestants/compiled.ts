import { readFileSync } from 'node:fs';
import { RemoteGraphQLDataSource } from '@apollo/gateway';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { createCompiledGateway } from '../../../gateway/src/execution/compiled-gateway.ts';

/** The stock server with nothing changed but what executes operations. Told a port and the file of a supergraph. */
const [port = '', supergraphFile = ''] = process.argv.slice(2);
const gateway = createCompiledGateway({
  supergraphSdl: readFileSync(supergraphFile, 'utf8'),
  buildService: ({ url = '' }) => new RemoteGraphQLDataSource({ url }),
});
await startStandaloneServer(new ApolloServer({ gateway }), { listen: { host: '127.0.0.1', port: Number(port) } });
