import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { readSubgraphSdl, subgraphNames } from '@souk/schema/subgraphs';
import {
  buildSchema,
  type DocumentNode,
  type GraphQLSchema,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  parse,
  printSchema,
} from 'graphql';
import { type EntityKeys, readEntityKeys } from './entity-keys.ts';

/**
 * A federated graph that operations can be run over: what a gateway loads, and the schema of each subgraph behind it. The *library* exists for these tests
 * and uses what federation offers; *souk* is the shop itself, once for each of its two supergraphs.
 */
export interface Graph {
  name: GraphName;
  supergraphSdl: string;
  /** What clients see. */
  apiSchema: GraphQLSchema;
  subgraphs: ReadonlyMap<string, GraphQLSchema>;
  keys: EntityKeys;
  /** The subgraphs that have a field, whether or not they are asked for it. */
  subgraphsWith(type: string, field: string): readonly string[];
}

export const graphNames = ['library', 'souk-storefront', 'souk-admin'] as const;
export type GraphName = (typeof graphNames)[number];

export function openGraph(name: GraphName): Graph {
  const { sdls, supergraphSdl, apiSdl } =
    name === 'library' ? library() : souk(name === 'souk-admin' ? 'admin' : 'storefront');
  const typeDefs = new Map([...sdls].map(([subgraph, sdl]) => [subgraph, parse(sdl)]));
  const subgraphs = new Map([...typeDefs].map(([subgraph, document]) => [subgraph, withoutResolvers(document)]));
  return {
    name,
    supergraphSdl,
    apiSchema: buildSchema(apiSdl),
    subgraphs,
    keys: readEntityKeys(typeDefs),
    subgraphsWith: (type, field) =>
      [...subgraphs].filter(([, schema]) => hasField(schema, type, field)).map(([subgraph]) => subgraph),
  };
}

function hasField(schema: GraphQLSchema, type: string, field: string): boolean {
  const found = schema.getType(type);
  return isInterfaceType(found) || isObjectType(found) ? field in found.getFields() : false;
}

/** A subgraph's schema whose entities and types are resolved by whoever executes it. */
function withoutResolvers(typeDefs: DocumentNode): GraphQLSchema {
  const schema = buildSubgraphSchema([{ typeDefs }]);
  delete schema.getQueryType()?.getFields()['_entities']?.resolve;
  for (const type of Object.values(schema.getTypeMap())) if (isAbstractType(type)) type.resolveType = undefined;
  return schema;
}

interface Source {
  sdls: Map<string, string>;
  supergraphSdl: string;
  apiSdl: string;
}

function library(): Source {
  const names = ['works', 'holdings', 'reviews', 'readers', 'fees'];
  const sdls = new Map(names.map((name) => [name, read(`./library/${name}.graphql`)]));
  const services = [...sdls].map(([name, sdl]) => ({
    name,
    url: `http://${name}.internal/graphql`,
    typeDefs: parse(sdl),
  }));
  const { errors, supergraphSdl, schema } = composeServices(services);
  if (errors) throw new Error(`The library does not compose:\n${errors.map(({ message }) => message).join('\n')}`);
  return { sdls, supergraphSdl, apiSdl: printSchema(schema.toAPISchema().toGraphQLJSSchema()) };
}

function souk(contract: 'storefront' | 'admin'): Source {
  return {
    sdls: new Map(subgraphNames.map((name) => [name, readSubgraphSdl(name)])),
    supergraphSdl: read(`../../schema/gateway/${contract}.graphql`),
    apiSdl: read(`../../schema/api/${contract}.graphql`),
  };
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}
