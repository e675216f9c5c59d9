import { existsSync, readFileSync } from 'node:fs';
import type { CodegenConfig } from '@graphql-codegen/cli';
import { type DefinitionNode, parse } from 'graphql';
import { readSubgraphSdl, type SubgraphName, subgraphNames } from './schema/subgraphs.ts';

/**
 * Three kinds of generated TypeScript, none of it committed:
 * - for each subgraph, the types its resolvers must have;
 * - for each caller of another service's internal fields, typed documents checked against that service's own schema;
 * - for the tests, typed documents checked against what staff see.
 */

/** How scalars look in resolvers, which speak of instants as Date. */
const resolverScalars = scalars({ DateTime: 'Date' });
/** How scalars look in an answer that came as JSON. */
const documentScalars = scalars({ DateTime: 'string' });

/** Where services call one another, and what is generated beside it. */
const callers = [
  ...subgraphNames.map((name) => ({
    source: `subgraphs/${name}/src/peers.ts`,
    generated: `subgraphs/${name}/src/generated`,
  })),
  { source: 'gateway/src/access-state.ts', generated: 'gateway/src/generated' },
];

const config: CodegenConfig = {
  ignoreNoDocuments: true,
  emitLegacyCommonJSImports: false,
  importExtension: '.ts',
  config: { strictScalars: true, useTypeImports: true },
  generates: Object.fromEntries([
    ...subgraphNames.map(resolverTypes),
    ...callers.flatMap(({ source, generated }) =>
      targetsOf(source).map((target) => typedDocuments(`${generated}/${target}/`, sdlFiles(target), source, target)),
    ),
    typedDocuments('tests/generated/', ['schema/api/admin.graphql'], 'tests/**/*.ts', 'graphql'),
  ]),
};

export default config;

function resolverTypes(name: SubgraphName): [string, CodegenConfig['generates'][string]] {
  return [
    `subgraphs/${name}/src/generated/resolvers.ts`,
    {
      schema: sdlFiles(name),
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        federation: true,
        scalars: resolverScalars,
        enumsAsTypes: true,
        useIndexSignature: true,
        maybeValue: 'T | null | undefined',
        contextType: '../context.ts#Context',
        mappers: mappersOf(name),
      },
    },
  ];
}

/** A template literal behind `tag` in `source` becomes a typed document that `tag`, imported from `gql.ts` of the folder, returns. */
function typedDocuments(
  folder: string,
  schema: string[],
  source: string,
  tag: string,
): [string, CodegenConfig['generates'][string]] {
  return [
    folder,
    {
      schema,
      // Only documents behind this tag: one source may hold documents for several services.
      documents: [pluckedBy(tag, source), `!${folder}**`],
      preset: 'client',
      presetConfig: { gqlTagName: tag, fragmentMasking: false, skipIndexFile: true },
      config: { scalars: documentScalars, documentMode: 'string', enumsAsTypes: true },
    },
  ];
}

/** Typed as text because the configuration's type knows options of custom loaders only; the loader of code takes these. */
function pluckedBy(tag: string, source: string): string {
  const pluckConfig = { modules: [], globalGqlIdentifierName: tag, gqlMagicComment: tag, skipIndent: true };
  return { [source]: { pluckConfig } } as unknown as string;
}

function sdlFiles(name: SubgraphName): string[] {
  return ['schema/_common.graphql', `schema/${name}.graphql`];
}

/** The services a file calls: those whose generated tag it imports. */
function targetsOf(source: string): SubgraphName[] {
  const text = readIfThere(source);
  return subgraphNames.filter((name) => text.includes(`'./generated/${name}/gql.ts'`));
}

/** A type that `models.ts` exports says what the GraphQL type of the same name is made of. */
function mappersOf(name: SubgraphName): Record<string, string> {
  const typeNames = new Set(parse(readSubgraphSdl(name)).definitions.map(nameOf));
  const exported = [...readIfThere(`subgraphs/${name}/src/models.ts`).matchAll(/^export (?:type|interface) (\w+)/gm)];
  return Object.fromEntries(
    exported
      .flatMap(([, type]) => (type !== undefined && typeNames.has(type) ? [type] : []))
      .map((type) => [type, `../models.ts#${type} as ${type}Model`]),
  );
}

function nameOf(definition: DefinitionNode): string | undefined {
  return 'name' in definition ? definition.name?.value : undefined;
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function scalars({ DateTime }: { DateTime: string }): Record<string, string> {
  const asString = ['ID', 'Decimal', 'CurrencyCode', 'URL', 'EmailAddress', 'CountryCode', 'Locale', '_FieldSet'];
  return { DateTime, ...Object.fromEntries(asString.map((name) => [name, 'string'])) };
}
