import { readFileSync } from 'node:fs';
import { composeSchemaContract, composeServices, compositionHasErrors } from '@theguild/federation-composition';
import {
  buildSchema,
  GraphQLSchema,
  isObjectType,
  lexicographicSortSchema,
  parse,
  printSchema,
  specifiedDirectives,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import {
  compose,
  composeFiles,
  outdatedFiles,
  type SubgraphDefinition,
  subgraphDefinitions,
  withoutTag,
} from './compose.ts';
import { forApolloGateway } from './for-apollo-gateway.ts';
import { directive, graphOf, isAdmin, isForServices } from './lint/graph.ts';

const read = (file: string) => readFileSync(new URL(file, import.meta.url), 'utf8');
/** Without directives: the second composer shows clients those that composition hands to the gateway, ours does not. */
const sorted = (api: string) =>
  printSchema(
    lexicographicSortSchema(new GraphQLSchema({ ...buildSchema(api).toConfig(), directives: specifiedDirectives })),
  );
const subgraph = (name: string, sdl: string): SubgraphDefinition => ({
  name,
  url: `http://${name}.internal/graphql`,
  typeDefs: parse(
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@tag"]) ${sdl}`,
  ),
});

describe('composing', () => {
  it('gives what is committed', () => {
    expect(outdatedFiles()).toEqual([]);
  });

  it('gives the same each time', () => {
    expect([...composeFiles()]).toEqual([...composeFiles()]);
  });

  it('refuses subgraphs that do not fit together, with the reason', () => {
    const conflict = [subgraph('a', 'type Query { price: Int }'), subgraph('b', 'type Query { price: String }')];
    expect(() => compose(conflict, 'admin')).toThrow(/price/);
  });
});

describe('the second composer', () => {
  it('composes the same graph', () => {
    const result = composeServices(subgraphDefinitions());
    if (compositionHasErrors(result)) throw new Error(result.errors.map(({ message }) => message).join('\n'));
    expect(sorted(result.publicSdl)).toBe(sorted(read('api/admin.graphql')));
  });

  it('composes the same contract for the storefront, so ours too has no type that nothing leads to', () => {
    // This composer takes unreachable types out of a contract by itself; ours are out only if they are tagged.
    const result = composeSchemaContract(subgraphDefinitions(), { include: new Set(), exclude: new Set(['admin']) });
    if (compositionHasErrors(result)) throw new Error(result.errors.map(({ message }) => message).join('\n'));
    expect(sorted(result.publicSdl)).toBe(sorted(read('api/storefront.graphql')));
  });
});

describe('what clients see', () => {
  const graph = graphOf(new Map(subgraphDefinitions().map(({ name, typeDefs }) => [name, typeDefs])));
  const admin = buildSchema(read('api/admin.graphql'));
  const storefront = buildSchema(read('api/storefront.graphql'));

  const shows = (schema: typeof admin, typeName: string, fieldName: string) => {
    const type = schema.getType(typeName);
    return isObjectType(type) && fieldName in type.getFields();
  };

  it('shows staff every field but the internal ones', () => {
    for (const { type, field, ...place } of graph.places) {
      const isInternal = isForServices({ type, field });
      expect(shows(admin, type.name.value, field.name.value), place.at).toBe(!isInternal);
    }
  });

  it('shows the storefront every field but the internal ones and those of staff', () => {
    for (const { type, field, ...place } of graph.places) {
      const isHidden = isForServices({ type, field }) || isAdmin(type) || isAdmin(field);
      expect(shows(storefront, type.name.value, field.name.value), place.at).toBe(!isHidden);
    }
  });

  it('never shows the storefront what needs a scope', () => {
    const scoped = graph.places.filter(
      ({ type, field }) => directive(field, 'requiresScopes') ?? directive(type, 'requiresScopes'),
    );
    expect(scoped.length).toBeGreaterThan(20);
    for (const { type, field, at } of scoped)
      expect(shows(storefront, type.name.value, field.name.value), at).toBe(false);
  });
});

describe('the supergraph for Apollo Gateway', () => {
  it.each(['admin', 'storefront'] as const)('differs from the composed one in two links only (%s)', (variant) => {
    const definitions = subgraphDefinitions();
    const composed = compose(
      variant === 'admin' ? definitions : withoutTag('admin', definitions),
      variant,
    ).supergraph.split('\n');
    const changed = forApolloGateway(composed.join('\n'))
      .split('\n')
      .filter((line, index) => line !== composed[index]);
    expect(changed.map((line) => line.trim())).toEqual([
      '@link(url: "https://specs.apollo.dev/authenticated/v0.1")',
      '@link(url: "https://specs.apollo.dev/requiresScopes/v0.1")',
    ]);
  });

  it('keeps every other purpose, which stops the gateway', () => {
    const other = 'schema @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY) { query: Query }';
    expect(forApolloGateway(other)).toBe(other);
  });
});
